/* SPDX-License-Identifier: Apache-2.0 */
/* A burst of mbufs as GRO sees it. */
#ifndef DP_GRO_MBUF_H
#define DP_GRO_MBUF_H

#include <rte_mbuf.h>

#include "gro.h"

static inline enum dp_gro_checksum
dp_gro_checksum_of(const struct rte_mbuf *m)
{
	switch (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
	case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
		return DP_GRO_GOOD;
	case RTE_MBUF_F_RX_L4_CKSUM_BAD:
		return DP_GRO_BAD;
	default:
		return DP_GRO_UNVERIFIED;
	}
}

/* What GRO is not to merge, or cannot, since it lies in several mbufs, has no data. */
static inline void
dp_gro_look_at(struct dp_gro_packet *packets, struct rte_mbuf **pkts, uint16_t n, bool merge)
{
	for (uint16_t i = 0; i < n; i++)
		packets[i] = (struct dp_gro_packet){
			.data = merge && pkts[i]->nb_segs == 1 ? rte_pktmbuf_mtod(pkts[i], const uint8_t *) : NULL,
			.length = rte_pktmbuf_pkt_len(pkts[i]),
			.checksum = dp_gro_checksum_of(pkts[i]),
		};
}

#endif
