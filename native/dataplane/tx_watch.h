/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds a device that takes packets and sends none: one that was reset behind its driver's back (a function-level reset
 * by hand), which no event and no link tells. Control thread only.
 */
#ifndef DP_TX_WATCH_H
#define DP_TX_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define DP_TX_STALL_MS 2000

struct dp_tx_watch {
	uint64_t sent, handed; /* when it last sent something */
	int64_t since_ms;      /* handed more since then; 0: nothing */
	bool counts;	       /* it has counted before: some drivers never do */
};

/*
 * `sent`: packets that the device says it sent; `handed`: what grows when it is given some. True when it was
 * given packets and sent none for DP_TX_STALL_MS; then not again before it has sent something.
 */
bool dp_tx_watch_stalled(struct dp_tx_watch *watch, uint64_t sent, uint64_t handed, int64_t now_ms);

#endif
