/* SPDX-License-Identifier: Apache-2.0 */
#include "tx_watch.h"

bool
dp_tx_watch_stalled(struct dp_tx_watch *w, uint64_t sent, uint64_t handed, int64_t now_ms)
{
	if (sent != w->sent) {
		*w = (struct dp_tx_watch){.sent = sent, .handed = handed, .counts = true};
		return false;
	}
	if (!w->counts || handed == w->handed)
		return false;
	if (w->since_ms == 0) {
		w->since_ms = now_ms;
		return false;
	}
	if (now_ms - w->since_ms < DP_TX_STALL_MS)
		return false;
	/* A reset cannot cure what a PF discards on purpose: judged again only once something was sent. */
	*w = (struct dp_tx_watch){.sent = sent, .handed = handed};
	return true;
}
