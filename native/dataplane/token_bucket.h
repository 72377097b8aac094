/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket in TSC time. Owned by one thread; no atomics. */
#ifndef DP_TOKEN_BUCKET_H
#define DP_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct dp_token_bucket {
	uint64_t cycles_per_token; /* in 1/256 cycle; 0: no limit */
	uint64_t capacity;	   /* burst, in the same unit of time */
	uint64_t level;		   /* time saved up, at most capacity */
	uint64_t last;		   /* TSC of the last refill */
};

/* `share` is one over how many buckets the limit is divided. The bucket starts full. */
static inline void
dp_token_bucket_init(struct dp_token_bucket *b, uint64_t pps, uint64_t burst, unsigned share, uint64_t tsc_hz,
		     uint64_t now)
{
	*b = (struct dp_token_bucket){.last = now};
	if (pps == 0)
		return;
	b->cycles_per_token = tsc_hz * 256 * share / pps;
	if (b->cycles_per_token == 0)
		b->cycles_per_token = 1;
	uint64_t tokens = burst / share;
	b->capacity = (tokens == 0 ? 1 : tokens) * b->cycles_per_token;
	b->level = b->capacity;
}

static inline void
dp_token_bucket_refill(struct dp_token_bucket *b, uint64_t now)
{
	uint64_t passed = now - b->last;
	b->last = now;
	if (passed >= b->capacity / 256 || b->level + passed * 256 > b->capacity)
		b->level = b->capacity;
	else
		b->level += passed * 256;
}

/*
 * Takes one token if `reserve` sixteenths of the capacity remain afterwards; a bucket too small to hold the reserve
 * and a token keeps none.
 */
static inline bool
dp_token_bucket_take(struct dp_token_bucket *b, unsigned reserve)
{
	if (b->cycles_per_token == 0)
		return true;
	uint64_t needed = b->capacity / 16 * reserve + b->cycles_per_token;
	if (needed > b->capacity)
		needed = b->cycles_per_token;
	if (b->level < needed)
		return false;
	b->level -= b->cycles_per_token;
	return true;
}

static inline bool
dp_token_bucket_is_empty(const struct dp_token_bucket *b)
{
	return b->level < b->cycles_per_token;
}

#endif
