/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit that several threads keep together without a locked instruction: a token bucket of which each has its own
 * view. Every few microseconds a thread looks at what all have spent since it last looked, and then knows the level.
 * Until it looks again it takes of that level as if each of the others took as much: so together they take at most what
 * was there, and one that is alone, because RSS sends it everything, soon has the whole limit. The level may fall below
 * zero by a token for each thread, and is paid back. Time is TSC time; with one thread it is a plain token bucket.
 */
#ifndef DP_LIMITER_H
#define DP_LIMITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane.h"

/* One thread's side of a limit; those of one limit lie side by side. The unit of time is 1/256 cycle. */
struct dp_limiter {
	uint64_t time_per_token; /* 0: no limit */
	int64_t capacity;	 /* burst */
	int64_t level;		 /* time saved up when we last looked */
	int64_t view;		 /* what is left of it to us */
	uint64_t looked;	 /* TSC of then */
	uint64_t seen;		 /* tokens that all had spent by then */
	_Atomic uint64_t spent;	 /* tokens; this thread: write, all: read */
	uint32_t look_cycles;
	uint16_t self;
	uint16_t n;
} __attribute__((aligned(64)));

/* Fills the `n` sides of one limit; its bucket starts full. */
void dp_limiters_init(struct dp_limiter *limiters, unsigned n, struct dp_limit limit, uint64_t tsc_hz, uint64_t now);

/* Brings level and view up to date. */
void dp_limiter_look(struct dp_limiter *limiter, uint64_t now);

/* Call it before taking tokens, once a burst. */
static inline void
dp_limiter_begin(struct dp_limiter *limiter, uint64_t now)
{
	/* A thread that the scheduler moves to another CPU may find its clock a little behind. */
	if ((int64_t)(now - limiter->looked) > (int64_t)limiter->look_cycles)
		dp_limiter_look(limiter, now);
}

/*
 * Takes one token if `reserve` sixteenths of the capacity remain afterwards; a bucket too small to hold the reserve
 * and a token keeps none.
 */
static inline bool
dp_limiter_take(struct dp_limiter *limiter, unsigned reserve)
{
	int64_t token = (int64_t)limiter->time_per_token;
	if (token == 0)
		return true;
	int64_t needed = limiter->capacity / 16 * reserve + token;
	if (needed > limiter->capacity)
		needed = token;
	if (limiter->view < needed)
		return false;
	limiter->view -= token * limiter->n;
	uint64_t spent = atomic_load_explicit(&limiter->spent, memory_order_relaxed);
	atomic_store_explicit(&limiter->spent, spent + 1, memory_order_relaxed);
	return true;
}

/* Whether nothing would pass now. */
static inline bool
dp_limiter_is_empty(const struct dp_limiter *limiter)
{
	return limiter->view < (int64_t)limiter->time_per_token;
}

#endif
