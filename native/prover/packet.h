/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as mbufs, without EAL. Each segment ends where its memory ends, so that a read too far does not go unseen:
 * either right before a page that cannot be touched, which JIT code also respects, or in a block of malloc of exactly
 * that size, for AddressSanitizer.
 */
#ifndef DP_PROVER_PACKET_H
#define DP_PROVER_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#define DP_PACKET_MAX_SEGMENTS 4
#define DP_PACKET_MAX_BYTES 16384

struct dp_packet {
	struct rte_mbuf mbufs[DP_PACKET_MAX_SEGMENTS];
	uint8_t *fences[DP_PACKET_MAX_SEGMENTS]; /* the forbidden page of each segment */
	uint8_t *blocks[DP_PACKET_MAX_SEGMENTS]; /* malloc's */
};

bool dp_packet_init(struct dp_packet *packet);
void dp_packet_free(struct dp_packet *packet);

/*
 * Puts the frame into `segments` segments of about equal, or where `uneven` says so of odd sizes. Returns NULL when
 * out of memory. The mbuf is valid until the next call.
 */
struct rte_mbuf *dp_packet_fill(struct dp_packet *packet, const uint8_t *frame, uint32_t length, unsigned segments,
				uint32_t uneven, bool on_heap);

#endif
