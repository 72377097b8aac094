/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finishes what the kernel left to hardware: partial checksums, and TCP segmentation. Works on linear memory and
 * knows nothing of DPDK, so that the frame under test can be a malloc of exactly its length.
 */
#ifndef DP_OFFLOAD_H
#define DP_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

/* The longest frame a tap hands over: 64 KiB of IP and what may stand before it. */
#define DP_FRAME_MAX 65600
/* The most wire frames one tap frame may become: 64 KiB at Linux's smallest MSS of 48. */
#define DP_SEGMENTS_MAX 1366

enum dp_gso { DP_GSO_NONE, DP_GSO_TCP4, DP_GSO_TCP6 };

/* What the kernel asks for with a frame. */
struct dp_offload {
	bool partial_checksum; /* the field holds the pseudo header's sum, the rest is to be added */
	uint16_t checksum_start;
	uint16_t checksum_offset;
	enum dp_gso gso;
	uint16_t segment_bytes; /* TCP payload of each segment */
};

struct rte_mbuf;

/* Room of one exception thread for one frame. */
struct dp_scratch {
	uint8_t frame[DP_FRAME_MAX];
	uint8_t segment[DP_FRAME_MAX];
	struct rte_mbuf *segments[DP_SEGMENTS_MAX];
};

/* Where the headers of a frame lie, up to the end of its TCP or UDP header. */
struct dp_headers {
	bool ipv6;
	uint8_t protocol;
	uint32_t l3_offset;
	uint32_t l4_offset;
	uint32_t payload_offset;
};

/* Finds them behind up to two VLAN tags and IPv6 extension headers; false when they do not fit into `length`. */
bool dp_headers_parse(const uint8_t *frame, uint32_t length, struct dp_headers *headers);

/* Completes a partial checksum in place; false when the request points outside the frame or at an odd byte. */
bool dp_checksum_complete(uint8_t *frame, uint32_t length, uint16_t start, uint16_t offset);

/*
 * The opposite, for a packet whose checksum was verified: puts the pseudo header's sum into the field, which is how a
 * tap is told not to look again. `readable` bytes of the frame lie here, and `length` in all. False when there is
 * nothing to say: neither TCP nor UDP, a fragment, UDP without checksum.
 */
bool dp_checksum_make_partial(uint8_t *frame, uint32_t readable, uint32_t length, struct dp_headers *headers);

/* Cuts a TCP frame into segments. */
struct dp_segmenter {
	const uint8_t *frame;
	uint32_t length;
	struct dp_headers headers;
	uint32_t segment_bytes;
	uint32_t next; /* offset of the payload not yet cut */
	uint32_t n;    /* segments cut so far */
};

/* False when the frame is not the TCP frame that `offload` says, or would make more than DP_SEGMENTS_MAX segments. */
bool dp_segmenter_init(struct dp_segmenter *s, const uint8_t *frame, uint32_t length, const struct dp_offload *offload);
/* How many segments the frame makes; without payload it is one. */
uint32_t dp_segmenter_count(const struct dp_segmenter *s);
/* Length of the longest segment, headers included. */
uint32_t dp_segmenter_longest(const struct dp_segmenter *s);
/* Writes the next segment, complete with lengths, sequence numbers and checksums; returns its length, 0 after the last.
 */
uint32_t dp_segmenter_next(struct dp_segmenter *s, uint8_t *out);

#endif
