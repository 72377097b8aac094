/* SPDX-License-Identifier: Apache-2.0 */
/* Mode txonly: an lcore fills a transmit queue with frames of its own. */
#ifndef DP_TXONLY_H
#define DP_TXONLY_H

#include "lcore.h"

/* What the port did not take is sent again in the next turn: nothing that was made is dropped. */
struct dp_generator {
	struct rte_mbuf *pending[DP_MAX_BURST];
	uint16_t n;
};

/* Sends up to a burst by the port that `q` forwards to; returns how many that took. */
uint16_t dp_generate(struct dp_generator *g, struct dp_lcore *l, const struct dp_rxq *q);
/* Frees what waits. */
void dp_generate_end(struct dp_generator *g);

#endif
