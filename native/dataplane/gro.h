/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic receive offload of what goes to the kernel: consecutive segments of a TCP flow become one frame, which the
 * kernel takes through its stack once. The rules are those of the kernel's own GRO (net/ipv4/tcp_offload.c), and two
 * more, window and urgent pointer, so that cutting the frame again gives what was on the wire byte for byte. What
 * cannot be restored is the IPv4 id of a sender that gives all its packets the same one, which RFC 6864 lets nobody
 * read. Works on linear memory and knows nothing of DPDK, as offload.h.
 */
#ifndef DP_GRO_H
#define DP_GRO_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane.h"

/* Ethernet, two VLAN tags, IPv6 without extension headers, TCP with all its options. */
#define DP_GRO_HEADERS_MAX (14 + 8 + 40 + 60)
#define DP_GRO_END UINT16_MAX
/* Of the checksum in the TCP header. */
#define DP_GRO_CHECKSUM_OFFSET 16
#define DP_GRO_BUCKETS 256

enum dp_gro_checksum { DP_GRO_UNVERIFIED, DP_GRO_GOOD, DP_GRO_BAD };

/* One packet of a burst. What is known of its TCP checksum; looked at in software only when that decides something. */
struct dp_gro_packet {
	const uint8_t *data; /* NULL: in several pieces, which are not merged */
	uint32_t length;
	enum dp_gro_checksum checksum;
};

/* One frame for the kernel: a packet as it is, or a chain of segments. */
struct dp_gro_frame {
	uint16_t first, last; /* packets of the burst, linked by dp_gro.next */
	uint16_t n;
	bool ipv6;
	bool congestion;    /* the first packet says "congestion window reduced" */
	uint8_t id_step;    /* IPv4 ids: 1 from packet to packet, or 0 */
	uint8_t last_flags; /* TCP flags of the last packet */
	uint16_t next_id;   /* IPv4 id of a packet that continues it */
	uint16_t l3_offset, l4_offset, payload_offset;
	uint16_t segment_bytes; /* payload of each packet, at most for the last */
	uint32_t payload_bytes; /* of all together */
};

/* The frames of one burst, in the order of their first packets. */
struct dp_gro {
	unsigned n_frames;
	struct dp_gro_frame frames[DP_MAX_BURST];
	uint16_t next[DP_MAX_BURST];   /* the packet after this one in its frame, or DP_GRO_END */
	uint16_t open[DP_GRO_BUCKETS]; /* by hash of the flow: 1 + a frame that may grow; another flow may take its
					  place */
};

/* Sorts up to DP_MAX_BURST packets into frames. Within a flow the order is kept. Updates what is known of checksums. */
void dp_gro_burst(struct dp_gro *gro, struct dp_gro_packet *packets, uint16_t n);

/*
 * Writes the headers of a frame of several packets: lengths of all together, the flags of the last, and the pseudo
 * header's sum in place of the checksum, for the receiver to see it as verified. `out` has room for
 * DP_GRO_HEADERS_MAX; returns their length. The payloads follow, each packet from payload_offset on.
 */
uint32_t dp_gro_write_headers(const struct dp_gro_frame *frame, const struct dp_gro_packet *packets, uint8_t *out);

#endif
