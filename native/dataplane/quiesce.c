/* SPDX-License-Identifier: Apache-2.0 */
#include "quiesce.h"

#include <time.h>

int64_t
dp_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Where a thread of the data plane counts its turns. */
static const dp_slot_t *
turns_of(const struct dp_machine *m, unsigned i)
{
	return i < m->n_launched ? &m->lcores[i]->row->polls : &m->threads[i - m->n_launched]->row->polls;
}

bool
dp_quiesce(const struct dp_machine *m, bool all)
{
	uint64_t seen[DP_MAX_LCORES + DP_MAX_EXCEPTION_THREADS];
	unsigned n = m->n_launched + (all ? m->n_threads : 0);
	/* The new state must be visible before the turns are read, or turns that began earlier are counted. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < n; i++)
		seen[i] = atomic_load_explicit(turns_of(m, i), memory_order_acquire);
	int64_t deadline = dp_now_ms() + DP_QUIESCE_MS;
	for (unsigned i = 0; i < n; i++) {
		/* Two: the turn that was under way may have begun with the old state. */
		while (atomic_load_explicit(turns_of(m, i), memory_order_acquire) < seen[i] + 2) {
			if (dp_now_ms() > deadline)
				return false;
			nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
		}
	}
	return true;
}
