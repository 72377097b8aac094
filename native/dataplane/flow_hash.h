/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which exception queue a punted packet takes: the packets of a flow always the same one, so that they stay in order.
 * The port's RSS hash says it where there is one; else it is computed here, for punted packets alone.
 */
#ifndef DP_FLOW_HASH_H
#define DP_FLOW_HASH_H

#include <stdint.h>

#include <rte_mbuf.h>

/*
 * Of the addresses and, for whole TCP, UDP and SCTP packets, of the ports; the same in both directions. Fragments go by
 * their addresses, the first one too. 0 for what has no IP header within its first segment: ARP, LACP, IS-IS.
 */
uint32_t dp_flow_hash(const struct rte_mbuf *m);

/* A number below `n_queues`. By the hash's upper bits: RSS has chosen the lcore by the lower ones. */
static inline unsigned
dp_flow_queue(const struct rte_mbuf *m, unsigned n_queues)
{
	uint32_t hash = m->ol_flags & RTE_MBUF_F_RX_RSS_HASH ? m->hash.rss : dp_flow_hash(m);
	return (unsigned)(((uint64_t)hash * n_queues) >> 32);
}

#endif
