/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of frames for tests, a byte at a time: a second reading beside that of the code under test. */
#ifndef FRAME_BYTES_H
#define FRAME_BYTES_H

#include <stdint.h>

static inline void
put(uint8_t *p, uint32_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static inline uint32_t
get(const uint8_t *p, int bytes)
{
	uint32_t value = 0;
	for (int i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

#endif
