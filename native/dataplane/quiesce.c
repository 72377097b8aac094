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

static const _Atomic uint64_t *
epoch_of(const struct dp_machine *m, unsigned i)
{
	return i < m->n_launched ? &m->lcores[i]->seen_epoch : &m->threads[i - m->n_launched]->seen_epoch;
}

bool
dp_quiesce(struct dp_machine *m, bool all)
{
	/* Release: who sees the new epoch sees the state that came before it. */
	uint64_t epoch = atomic_load_explicit(&m->epoch, memory_order_relaxed) + 1;
	atomic_store_explicit(&m->epoch, epoch, memory_order_release);
	unsigned n = m->n_launched + (all ? m->n_threads : 0);
	int64_t deadline = dp_now_ms() + DP_QUIESCE_MS;
	for (unsigned i = 0; i < n; i++) {
		while (atomic_load_explicit(epoch_of(m, i), memory_order_acquire) < epoch) {
			if (dp_now_ms() > deadline)
				return false;
			nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
		}
	}
	return true;
}

bool
dp_pause(struct dp_machine *m, struct dp_port *port)
{
	atomic_store_explicit(&port->paused, true, memory_order_release);
	return dp_quiesce(m, true);
}

void
dp_resume(struct dp_port *port)
{
	atomic_store_explicit(&port->paused, false, memory_order_release);
}
