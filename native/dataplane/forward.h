/* SPDX-License-Identifier: Apache-2.0 */
/* What the forwarding modes write into a frame. Every frame has a whole Ethernet header in its first segment. */
#ifndef DP_FORWARD_H
#define DP_FORWARD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_mbuf.h>

#include "lcore.h"

typedef uint8_t dp_v16 __attribute__((vector_size(16)));

/* Swaps source and destination; a group address never becomes a source: our own takes its place. */
static inline void
dp_swap_macs(uint8_t *frame, const uint8_t own_mac[6])
{
	dp_v16 head;
	memcpy(&head, frame, sizeof(head));
#if defined(__clang__)
	dp_v16 swapped = __builtin_shufflevector(head, head, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);
#else
	dp_v16 swapped = __builtin_shuffle(head, (dp_v16){6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15});
#endif
	bool group = frame[0] & 1;
	memcpy(frame, &swapped, sizeof(swapped));
	if (__builtin_expect(group, 0))
		memcpy(frame + 6, own_mac, 6);
}

static inline void
dp_forward_macswap(const struct dp_egress *egress, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		dp_swap_macs(rte_pktmbuf_mtod(pkts[i], uint8_t *), egress->source_mac);
}

static inline void
dp_forward_mac(const struct dp_egress *egress, struct rte_mbuf **pkts, uint16_t n)
{
	uint64_t low;
	uint32_t high;
	uint8_t macs[12];
	memcpy(macs, egress->peer_mac, 6);
	memcpy(macs + 6, egress->source_mac, 6);
	memcpy(&low, macs, sizeof(low));
	memcpy(&high, macs + sizeof(low), sizeof(high));
	for (uint16_t i = 0; i < n; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(pkts[i], uint8_t *);
		memcpy(frame, &low, sizeof(low));
		memcpy(frame + sizeof(low), &high, sizeof(high));
	}
}

/* Turns an ARP request or an ICMP echo request into its reply, in place; false when it is neither. */
bool dp_icmp_echo_reply(struct rte_mbuf *m, const uint8_t own_mac[6]);

#endif
