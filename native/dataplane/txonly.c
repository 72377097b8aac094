/* SPDX-License-Identifier: Apache-2.0 */
#include "txonly.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

/* testpmd's frame: 64 bytes with FCS, UDP 9 -> 9 from 198.18.0.1 to 198.18.0.2. */
static const uint8_t txonly_frame[60] = {
	[12] = 0x08, 0x00, 0x45, 0, 0,	 46, 0, 0, 0, 0, 64, 17, 0xee, 0x97,
	198,	     18,   0,	 1, 198, 18, 0, 2, 0, 9, 0,  9,	 0,    26,
};

static void
refill(struct dp_generator *g, struct dp_lcore *l, const struct dp_egress *egress)
{
	if (rte_pktmbuf_alloc_bulk(l->mempool, g->pending, l->burst) != 0)
		return;
	g->n = l->burst;
	for (uint16_t i = 0; i < g->n; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(g->pending[i], uint8_t *);
		memcpy(frame, txonly_frame, sizeof(txonly_frame));
		memcpy(frame, egress->peer_mac, 6);
		memcpy(frame + 6, egress->source_mac, 6);
		g->pending[i]->data_len = sizeof(txonly_frame);
		g->pending[i]->pkt_len = sizeof(txonly_frame);
	}
}

uint16_t
dp_generate(struct dp_generator *g, struct dp_lcore *l, const struct dp_rxq *q)
{
	const struct dp_egress *egress = q->egress;
	if (egress->handover != NULL || dp_is_paused(egress->paused))
		return 0; /* the lcore that owns the queue can fill it alone */
	if (g->n == 0)
		refill(g, l, egress);
	uint16_t sent = rte_eth_tx_burst(egress->port_id, egress->queue_id, g->pending, g->n);
	memmove(g->pending, g->pending + sent, (size_t)(g->n - sent) * sizeof(g->pending[0]));
	g->n = (uint16_t)(g->n - sent);
	dp_count(&q->row->generated, sent);
	return sent;
}

void
dp_generate_end(struct dp_generator *g)
{
	rte_pktmbuf_free_bulk(g->pending, g->n);
	g->n = 0;
}
