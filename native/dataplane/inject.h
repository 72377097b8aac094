/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel -> wire, the last step. A tap frame may have become several wire frames; it counts as injected when the
 * port took all of them, and as one drop when it did not. The last one of a frame is marked, so that whoever
 * transmits (the exception thread on a spare queue, or an lcore) can tell frames apart.
 */
#ifndef DP_INJECT_H
#define DP_INJECT_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "capture.h"
#include "counters.h"

/* hash.usr carries nothing on a packet of ours that goes out. */
static inline void
dp_inject_mark(struct rte_mbuf *m, bool last)
{
	m->hash.usr = last;
}

/* Frames on the wire that a packet becomes: the device may cut it. */
static inline uint32_t
dp_inject_wire_frames(const struct rte_mbuf *m)
{
	if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) == 0)
		return 1;
	uint32_t payload = m->pkt_len - m->l2_len - m->l3_len - m->l4_len;
	return (payload + m->tso_segsz - 1) / m->tso_segsz;
}

static inline void
dp_inject_capture(const struct dp_capture_hook *capture, enum dp_drop_reason reason, uint16_t port_id,
		  struct rte_mbuf **pkts, unsigned n)
{
	dp_capture_offer(capture,
			 (struct dp_capture_look){.point = DP_CAPTURE_DROPPED, .reason = reason, .port_id = port_id},
			 pkts, n);
}

/* `*broken` remembers, between calls, that a segment of the frame in hand was dropped. */
static inline void
dp_inject_transmit(struct dp_flow_row *row, const struct dp_capture_hook *capture, uint16_t port_id, uint16_t queue_id,
		   struct rte_mbuf **pkts, uint16_t n, bool *broken)
{
	uint32_t frames = 0, dropped = 0, segments = 0;
	bool last[DP_MAX_BURST];
	uint16_t wire_frames[DP_MAX_BURST];
	/* The driver may free an mbuf before we come back. */
	for (uint16_t i = 0; i < n; i++) {
		last[i] = pkts[i]->hash.usr != 0;
		wire_frames[i] = (uint16_t)dp_inject_wire_frames(pkts[i]);
	}
	uint16_t sent = rte_eth_tx_burst(port_id, queue_id, pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		*broken |= i >= sent;
		segments += i < sent ? wire_frames[i] : 0;
		if (last[i]) {
			if (*broken)
				dropped++;
			else
				frames++;
			*broken = false;
		}
	}
	dp_count(&row->injected_segments, segments);
	dp_count(&row->injected_frames, frames);
	dp_count(&row->dropped[DP_DROP_INJECT_TX_FULL], dropped);
	if (sent < n) {
		dp_inject_capture(capture, DP_DROP_INJECT_TX_FULL, port_id, pkts + sent, (unsigned)(n - sent));
		rte_pktmbuf_free_bulk(pkts + sent, (unsigned)(n - sent));
	}
}

/* The same when the port cannot take them any more: each frame is one drop. */
static inline void
dp_inject_drop(struct dp_flow_row *row, const struct dp_capture_hook *capture, uint16_t port_id, struct rte_mbuf **pkts,
	       uint16_t n, bool *broken)
{
	uint32_t frames = 0;
	for (uint16_t i = 0; i < n; i++)
		frames += pkts[i]->hash.usr != 0;
	*broken = pkts[n - 1]->hash.usr == 0;
	dp_inject_capture(capture, DP_DROP_INJECT_TX_RESET, port_id, pkts, n);
	dp_count(&row->dropped[DP_DROP_INJECT_TX_RESET], frames);
	rte_pktmbuf_free_bulk(pkts, n);
}

#endif
