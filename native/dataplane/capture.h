/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet capture: a copy of some of the packets that pass a point of their way, as pcapng to a unix socket. When nobody
 * captures a burst pays one load at each point. Otherwise lcores and exception threads copy into a mempool of the
 * capture's own and enqueue to a ring each; a thread of the capture's writes. Nobody waits for it: what finds no mbuf
 * or no room is counted as missed, and the packet itself goes its way.
 */
#ifndef DP_CAPTURE_H
#define DP_CAPTURE_H

#include <stdatomic.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "counters.h"
#include "dataplane.h"

struct dp_machine;
struct dp_capture;

/* How long a reader may keep a capture that ends from writing its last packets. */
#define DP_CAPTURE_PATIENCE_MS 500

/* Who captures. The machine's pointer is NULL when nobody does; a capture lives until all have seen it go. */
struct dp_capture_hook {
	const struct dp_capture *_Atomic *current; /* the machine's */
	unsigned producer;			   /* of the capture's rings */
};

/* Packets that are about to be freed or handed on: a look at `n` of them at a point of their way. */
struct dp_capture_look {
	enum dp_capture_point point;
	enum dp_drop_reason reason; /* at DP_CAPTURE_DROPPED */
	uint16_t port_id;	    /* the port that the counters name */
};

void dp_capture_take(const struct dp_capture *capture, unsigned producer, const struct dp_capture_look *look,
		     struct rte_mbuf *const *pkts, unsigned n);

static inline void
dp_capture_offer(const struct dp_capture_hook *hook, struct dp_capture_look look, struct rte_mbuf *const *pkts,
		 unsigned n)
{
	const struct dp_capture *capture = atomic_load_explicit(hook->current, memory_order_acquire);
	if (unlikely(capture != NULL))
		dp_capture_take(capture, hook->producer, &look, pkts, n);
}

/* Whether its writer has written its last: nobody need copy for it any more. */
bool dp_capture_ended(const struct dp_capture *capture);
/* Control thread, once per turn: whether it is time to call dp_capture_end(), also while a reader keeps the writer. */
bool dp_capture_is_over(const struct dp_capture *capture);

/*
 * Control thread. Connects to `plan`'s socket and begins; at most one at a time. Takes `filter`, also on error. The
 * machine's pointer is set when it returns 0.
 */
int dp_capture_begin(struct dp_machine *m, const struct dp_capture_plan *plan, struct dp_classifier *filter,
		     struct dp_error *error);
/*
 * Ends it, and says what came of it. Nobody reads it any more when this returns. What is not written yet has
 * `patience_ms`, if somebody reads it.
 */
void dp_capture_end(struct dp_machine *m, unsigned patience_ms, struct dp_capture_result *result);

#endif
