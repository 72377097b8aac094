/* SPDX-License-Identifier: Apache-2.0 */
#include "limiter.h"

/* Looking costs a cache miss for each of the others: this keeps it near one part in a hundred of a thread's time. */
#define LOOK_US_PER_THREAD 4
#define LOOK_US_MAX 64
/* A century of burst and the arithmetic around it stay within 64 bits. */
#define LEVEL_MAX (INT64_MAX / 4)

void
dp_limiters_init(struct dp_limiter *limiters, unsigned n, struct dp_limit limit, uint64_t tsc_hz, uint64_t now)
{
	uint64_t time_per_token = limit.pps == 0 ? 0 : tsc_hz * 256 / limit.pps;
	if (limit.pps != 0 && time_per_token == 0)
		time_per_token = 1;
	uint64_t tokens = limit.burst == 0 ? 1 : limit.burst;
	int64_t capacity = 0;
	if (time_per_token != 0)
		capacity = tokens > LEVEL_MAX / time_per_token ? LEVEL_MAX : (int64_t)(tokens * time_per_token);
	unsigned look_us = n * LOOK_US_PER_THREAD < LOOK_US_MAX ? n * LOOK_US_PER_THREAD : LOOK_US_MAX;
	for (unsigned i = 0; i < n; i++)
		limiters[i] = (struct dp_limiter){
			.time_per_token = time_per_token,
			.capacity = capacity,
			.level = capacity,
			.view = capacity,
			.looked = now,
			.look_cycles = n == 1 ? 0 : (uint32_t)(tsc_hz / 1000000 * look_us),
			.self = (uint16_t)i,
			.n = (uint16_t)n,
		};
}

void
dp_limiter_look(struct dp_limiter *l, uint64_t now)
{
	const struct dp_limiter *all = l - l->self;
	uint64_t spent = 0;
	for (unsigned i = 0; i < l->n; i++)
		spent += atomic_load_explicit(&all[i].spent, memory_order_relaxed);
	__int128 level = l->level + (__int128)(now - l->looked) * 256;
	level -= (__int128)(spent - l->seen) * l->time_per_token;
	l->level = level > l->capacity ? l->capacity : level < -LEVEL_MAX ? -LEVEL_MAX : (int64_t)level;
	l->view = l->level;
	l->looked = now;
	l->seen = spent;
}
