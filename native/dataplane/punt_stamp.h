/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long punted packets are with us, seen at a sample of them: an lcore stamps every 61st of a class with the TSC
 * when it hands it over, the exception thread reads the clock again when the kernel has it. The stamp lies in a dynamic
 * field, a dynamic flag says that there is one; drivers clear the flag with the rest when they fill an mbuf.
 */
#ifndef DP_PUNT_STAMP_H
#define DP_PUNT_STAMP_H

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include "counters.h"

/* A prime: the place of the stamped packet in its burst changes from one to the next. */
#define DP_STAMP_EVERY 61

struct dp_error;

/* Control thread: write, before launch. */
extern int dp_stamp_offset;
extern uint64_t dp_stamp_flag;

/* Reserves field and flag in every mbuf. 0, or -1 with *error. */
int dp_stamp_register(struct dp_error *error);

/*
 * Stamps one of `n` packets when the next of the sample is among them. `*until` is how far away that one is, 0 for the
 * packet that comes next.
 */
static inline void
dp_stamp_sample(struct rte_mbuf **pkts, unsigned n, unsigned *until)
{
	if (likely(*until >= n)) {
		*until -= n;
		return;
	}
	struct rte_mbuf *m = pkts[*until];
	m->ol_flags |= dp_stamp_flag;
	*RTE_MBUF_DYNFIELD(m, dp_stamp_offset, uint64_t *) = rte_rdtsc();
	*until = DP_STAMP_EVERY - 1 - (n - 1 - *until) % DP_STAMP_EVERY;
}

/* Copies the stamps of those packets that carry one; returns how many. */
static inline unsigned
dp_stamp_collect(struct rte_mbuf *const *pkts, unsigned n, uint64_t *stamps)
{
	unsigned n_stamps = 0;
	for (unsigned i = 0; i < n; i++)
		if (unlikely((pkts[i]->ol_flags & dp_stamp_flag) != 0))
			stamps[n_stamps++] = *RTE_MBUF_DYNFIELD(pkts[i], dp_stamp_offset, uint64_t *);
	return n_stamps;
}

/* Counts packets of a class that the kernel has now. */
void dp_stamp_count(struct dp_latency_row *row, enum dp_class klass, const uint64_t *stamps, unsigned n);

#endif
