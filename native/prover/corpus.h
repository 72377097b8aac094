/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames to prove a rule list with: of every kind that a filter can tell apart, whole and cut off, and led through
 * the list's own programs, so that both sides of their tests are seen. The same seed gives the same frames.
 */
#ifndef DP_PROVER_CORPUS_H
#define DP_PROVER_CORPUS_H

#include <stdint.h>

#include <pcap/pcap.h>

#define DP_CORPUS_MAX_BYTES 9216

struct dp_corpus {
	uint64_t random;
};

uint32_t dp_corpus_random(struct dp_corpus *corpus);
/* 0 to n - 1 */
uint32_t dp_corpus_below(struct dp_corpus *corpus, uint32_t n);

/* Writes a frame of up to DP_CORPUS_MAX_BYTES, returns its length. */
uint32_t dp_corpus_frame(struct dp_corpus *corpus, uint8_t *frame);
/* Changes the frame so that the program takes branches chosen by chance. Returns its new length. */
uint32_t dp_corpus_guide(struct dp_corpus *corpus, const struct bpf_program *program, uint8_t *frame, uint32_t length);
/* Cuts, pads or garbles the frame. Returns its new length, at least `least`. */
uint32_t dp_corpus_mutate(struct dp_corpus *corpus, uint8_t *frame, uint32_t length, uint32_t least);

#endif
