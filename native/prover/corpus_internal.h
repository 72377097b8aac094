/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_PROVER_CORPUS_INTERNAL_H
#define DP_PROVER_CORPUS_INTERNAL_H

#include <stdbool.h>

#include "corpus.h"

/* A frame being written from its front; what no longer fits is left out. */
struct writer {
	struct dp_corpus *corpus;
	uint8_t *frame;
	uint32_t length;
};

static inline bool
chance(struct dp_corpus *corpus, uint32_t percent)
{
	return dp_corpus_below(corpus, 100) < percent;
}

static inline void
put(struct writer *writer, uint64_t value, unsigned size)
{
	for (unsigned i = size; i-- > 0 && writer->length < DP_CORPUS_MAX_BYTES;)
		writer->frame[writer->length++] = (uint8_t)(value >> 8 * i);
}

static inline void
put_random(struct writer *writer, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put(writer, dp_corpus_random(writer->corpus), 1);
}

#define PICK(corpus, table) ((table)[dp_corpus_below(corpus, sizeof(table) / sizeof((table)[0]))])

#endif
