/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as they stand in frames: the most significant byte first, at any address. */
#ifndef DP_NETWORK_ORDER_H
#define DP_NETWORK_ORDER_H

#include <stdint.h>
#include <string.h>

static inline uint16_t
dp_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
dp_get32(const uint8_t *p)
{
	return (uint32_t)dp_get16(p) << 16 | dp_get16(p + 2);
}

static inline void
dp_put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void
dp_put32(uint8_t *p, uint32_t value)
{
	dp_put16(p, value >> 16);
	dp_put16(p + 2, value);
}

/* A checksum of inet_checksum.h, which is in that order already. */
static inline void
dp_store_checksum(uint8_t *field, uint16_t checksum)
{
	memcpy(field, &checksum, sizeof(checksum));
}

#endif
