/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Busy and idle time of a polling loop. The TSC is read when the loop turns from busy to idle or back, in idle turns,
 * and every PUBLISH_TURNS busy turns; a busy turn pays nothing. When the empty turn that ends a busy stretch began is
 * not known: it counts as idle with the length of the empty turn measured last.
 */
#ifndef DP_IDLE_H
#define DP_IDLE_H

#include <time.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "counters.h"

#define DP_PUBLISH_TURNS 64
#define DP_RAMP_AFTER_TURNS 256
#define DP_RAMP_MAX_NS 100000

struct dp_load {
	dp_slot_t *busy_cycles;
	dp_slot_t *idle_cycles;
	uint64_t mark; /* TSC up to which time is accounted for */
	uint64_t empty_turn_cycles;
	uint32_t turns;
	uint32_t empty_turns;
	bool busy;
};

static inline void
dp_load_init(struct dp_load *load, dp_slot_t *busy_cycles, dp_slot_t *idle_cycles)
{
	*load = (struct dp_load){.busy_cycles = busy_cycles, .idle_cycles = idle_cycles, .mark = rte_rdtsc()};
}

/* Called before a turn polls anything. */
static inline uint64_t
dp_load_begin(const struct dp_load *load)
{
	return load->busy ? 0 : rte_rdtsc();
}

static inline void
dp_load_add(struct dp_load *load, dp_slot_t *slot, uint64_t until)
{
	dp_count(slot, until - load->mark);
	load->mark = until;
}

/* Called after a turn; `begin` is what dp_load_begin() gave. */
static inline void
dp_load_end(struct dp_load *load, uint64_t begin, bool moved)
{
	if (moved) {
		load->empty_turns = 0;
		if (!load->busy) {
			dp_load_add(load, load->idle_cycles, begin);
			load->busy = true;
		} else if (++load->turns % DP_PUBLISH_TURNS == 0) {
			dp_load_add(load, load->busy_cycles, rte_rdtsc());
		}
		return;
	}
	uint64_t now = rte_rdtsc();
	load->empty_turns++;
	if (load->busy) {
		uint64_t busy_until = now - load->empty_turn_cycles;
		if (busy_until > load->mark)
			dp_load_add(load, load->busy_cycles, busy_until);
		load->busy = false;
	} else {
		load->empty_turn_cycles = now - begin;
	}
	dp_load_add(load, load->idle_cycles, now);
}

/*
 * How long an idle loop may sleep now: 0 at first, then 1 us and twice as long each time up to DP_RAMP_MAX_NS. Steep,
 * because a short sleep costs as much as a long one: a microsecond or two of the kernel's time.
 */
static inline long
dp_load_sleep_ns(const struct dp_load *load)
{
	if (load->empty_turns < DP_RAMP_AFTER_TURNS)
		return 0;
	uint32_t steps = load->empty_turns - DP_RAMP_AFTER_TURNS;
	long ns = steps < 7 ? 1000L << steps : DP_RAMP_MAX_NS;
	return ns < DP_RAMP_MAX_NS ? ns : DP_RAMP_MAX_NS;
}

#endif
