/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum (RFC 1071) in the machine's byte order: sums may be added up in any order, and do not mind
 * which end comes first as long as they are stored the same way.
 */
#ifndef DP_INET_CHECKSUM_H
#define DP_INET_CHECKSUM_H

#include <stdint.h>
#include <string.h>

/* Adds `n` bytes that start at an even offset of what is summed. The compiler makes vector code of the first loop. */
static inline uint64_t
dp_sum_bytes(const uint8_t *p, uint32_t n, uint64_t sum)
{
	uint32_t whole = n / 4;
	for (uint32_t i = 0; i < whole; i++) {
		uint32_t word;
		memcpy(&word, p + 4 * i, sizeof(word));
		sum += word;
	}
	uint8_t tail[4] = {0};
	memcpy(tail, p + 4 * whole, n % 4);
	uint32_t word;
	memcpy(&word, tail, sizeof(word));
	return sum + word;
}

/* The sum in 16 bits, not complemented. */
static inline uint16_t
dp_sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

#endif
