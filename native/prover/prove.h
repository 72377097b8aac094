/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a rule list as the worker will, and compares it with libpcap's interpreter on many frames. */
#ifndef DP_PROVER_PROVE_H
#define DP_PROVER_PROVE_H

#include "classifier.h"
#include "corpus.h"
#include "oracle.h"
#include "packet.h"

struct dp_proof {
	struct dp_classifier_info info;
	unsigned packets;
	unsigned comparisons;
	unsigned *hits; /* [rule]: packets that it took, when not NULL */
	unsigned truncated;
	unsigned by_tables; /* packets that are of a shape with tables */
	bool mismatch;
	char difference[1024]; /* which engine said what about which frame */
};

/* Packets that are classified once more together: neither a whole number of blocks of the tables nor of their batches.
 */
#define DP_BENCH_BURST 45

/* What is compared: everything it takes to ask all engines about one frame. */
struct dp_bench {
	struct dp_classifier *classifier;
	struct dp_oracle oracle;
	struct dp_packet packet;
	struct dp_packet burst[DP_BENCH_BURST];
	uint16_t expected[DP_BENCH_BURST];
	unsigned n_burst;
	struct dp_corpus corpus;
};

/* Returns 0, or -1 with *error as dp_classifier_new() fills it. */
int dp_bench_init(struct dp_bench *bench, const struct dp_rule_source *rules, unsigned n, struct dp_error *error);
void dp_bench_free(struct dp_bench *bench);
/* Asks every engine, in one segment and in several. False when one differs from the oracle: the proof says how. */
bool dp_bench_compare(struct dp_bench *bench, const uint8_t *frame, uint32_t length, struct dp_proof *proof);

/* Classifies DP_BENCH_BURST copies of the frame in one burst, of which the one at `at` is another. */
bool dp_bench_compare_alike(struct dp_bench *bench, const uint8_t *frame, uint32_t length, const uint8_t *odd,
			    uint32_t odd_length, unsigned at, struct dp_proof *proof);

/* The whole proof. Returns 0 when `proof` is filled (and may hold a mismatch), -1 with *error. */
int dp_prove(const struct dp_rule_source *rules, unsigned n, uint64_t seed, unsigned packets, struct dp_proof *proof,
	     struct dp_error *error);

#endif
