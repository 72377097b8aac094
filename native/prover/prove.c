/* SPDX-License-Identifier: Apache-2.0 */
#include "prove.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

/* Packets of which one is compared in many copies. */
#define ALIKE_EVERY 20

struct engine {
	const char *name;
	unsigned flags;
};

static const struct engine engines[] = {
	{"tables", 0},
	{"fast program, JIT", DP_CLASSIFIER_FUSED_ONLY},
	{"fast program, interpreter", DP_CLASSIFIER_INTERPRET},
	{"exact program, JIT", DP_CLASSIFIER_EXACT_ONLY},
	{"exact program, interpreter", DP_CLASSIFIER_EXACT_ONLY | DP_CLASSIFIER_INTERPRET},
};

int
dp_bench_init(struct dp_bench *bench, const struct dp_rule_source *rules, unsigned n, struct dp_error *error)
{
	*bench = (struct dp_bench){.classifier = dp_classifier_new(rules, n, 0, error)};
	if (bench->classifier == NULL)
		return -1;
	if (dp_oracle_init(&bench->oracle, rules, n, error) == 0) {
		bool room = dp_packet_init(&bench->packet);
		for (unsigned i = 0; i < DP_BENCH_BURST; i++)
			room = dp_packet_init(&bench->burst[i]) && room;
		if (room)
			return 0;
		dp_fail(error, ENOMEM, "mmap", "proof", "no memory for packets");
	}
	dp_bench_free(bench);
	return -1;
}

void
dp_bench_free(struct dp_bench *bench)
{
	dp_classifier_free(bench->classifier);
	dp_oracle_free(&bench->oracle);
	dp_packet_free(&bench->packet);
	for (unsigned i = 0; i < DP_BENCH_BURST; i++)
		dp_packet_free(&bench->burst[i]);
}

static void
describe_difference(struct dp_proof *proof, const char *engine, uint16_t expected, uint16_t found, const uint8_t *frame,
		    uint32_t length, unsigned segments)
{
	int used = snprintf(proof->difference, sizeof(proof->difference),
			    "%s says %u, libpcap %u, for %u bytes in %u segments: ", engine, found, expected, length,
			    segments);
	for (uint32_t i = 0; i < length && (size_t)used + 3 < sizeof(proof->difference); i++)
		used += snprintf(proof->difference + used, sizeof(proof->difference) - (size_t)used, "%02x", frame[i]);
	proof->mismatch = true;
}

static bool
ask_all(struct dp_bench *bench, const uint8_t *frame, uint32_t length, unsigned segments, bool on_heap,
	uint16_t expected, struct dp_proof *proof)
{
	uint32_t uneven = segments > 1 ? dp_corpus_random(&bench->corpus) : 0;
	struct rte_mbuf *mbuf = dp_packet_fill(&bench->packet, frame, length, segments, uneven, on_heap);
	if (mbuf == NULL)
		return false;
	if (segments == 1 && !on_heap)
		proof->by_tables += dp_classify_shape(bench->classifier, mbuf) >= 0;
	for (unsigned i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		uint16_t found = dp_classify_one(bench->classifier, mbuf, engines[i].flags);
		proof->comparisons++;
		if (found == expected)
			continue;
		describe_difference(proof, engines[i].name, expected, found, frame, length, segments);
		return false;
	}
	uint16_t burst;
	dp_classify_burst(bench->classifier, &mbuf, 1, &burst);
	if (burst != expected)
		describe_difference(proof, "dp_classify_burst", expected, burst, frame, length, segments);
	return burst == expected;
}

/* Packets of all kinds beside each other, as an lcore gets them. */
static bool
ask_burst(struct dp_bench *bench, struct dp_proof *proof)
{
	struct rte_mbuf *pkts[DP_BENCH_BURST];
	uint16_t found[DP_BENCH_BURST];
	for (unsigned i = 0; i < DP_BENCH_BURST; i++)
		pkts[i] = &bench->burst[i].mbufs[0];
	dp_classify_burst(bench->classifier, pkts, DP_BENCH_BURST, found);
	bench->n_burst = 0;
	for (unsigned i = 0; i < DP_BENCH_BURST; i++) {
		uint32_t length = pkts[i]->data_len;
		if (found[i] == bench->expected[i])
			continue;
		describe_difference(proof, "a mixed burst", bench->expected[i], found[i],
				    rte_pktmbuf_mtod(pkts[i], const uint8_t *), length, 1);
		return false;
	}
	return true;
}

static bool
add_to_burst(struct dp_bench *bench, const uint8_t *frame, uint32_t length, uint16_t expected, struct dp_proof *proof)
{
	struct dp_packet *packet = &bench->burst[bench->n_burst];
	bench->expected[bench->n_burst] = expected;
	if (dp_packet_fill(packet, frame, length, 1, 0, bench->n_burst % 2 == 0) == NULL)
		return false;
	bench->n_burst++;
	return bench->n_burst < DP_BENCH_BURST || ask_burst(bench, proof);
}

bool
dp_bench_compare(struct dp_bench *bench, const uint8_t *frame, uint32_t length, struct dp_proof *proof)
{
	uint16_t expected = dp_oracle_answer(&bench->oracle, frame, length);
	unsigned segments = 2 + dp_corpus_below(&bench->corpus, DP_PACKET_MAX_SEGMENTS - 1);
	proof->packets++;
	if (expected == DP_CLASSIFY_TRUNCATED)
		proof->truncated++;
	else if (proof->hits != NULL)
		proof->hits[expected]++;
	return ask_all(bench, frame, length, 1, false, expected, proof) &&
	       ask_all(bench, frame, length, segments, false, expected, proof) &&
	       ask_all(bench, frame, length, 1 + dp_corpus_below(&bench->corpus, 3), true, expected, proof) &&
	       add_to_burst(bench, frame, length, expected, proof);
}

bool
dp_bench_compare_alike(struct dp_bench *bench, const uint8_t *frame, uint32_t length, const uint8_t *odd,
		       uint32_t odd_length, unsigned at, struct dp_proof *proof)
{
	uint16_t expected = dp_oracle_answer(&bench->oracle, frame, length);
	uint16_t expected_odd = dp_oracle_answer(&bench->oracle, odd, odd_length);
	bench->n_burst = 0;
	for (unsigned i = 0; i < DP_BENCH_BURST; i++)
		if (!(i == at ? add_to_burst(bench, odd, odd_length, expected_odd, proof)
			      : add_to_burst(bench, frame, length, expected, proof)))
			return false;
	return true;
}

/* A burst of one shape, but for one packet with a bit or its end changed. */
static bool
compare_alike(struct dp_bench *bench, const uint8_t *frame, uint32_t length, struct dp_proof *proof)
{
	static uint8_t odd[DP_CORPUS_MAX_BYTES];
	struct dp_corpus *corpus = &bench->corpus;
	uint32_t odd_length = length;
	memcpy(odd, frame, length);
	if (length > 28 && dp_corpus_below(corpus, 4) != 0)
		odd[12 + dp_corpus_below(corpus, 16)] ^= (uint8_t)(1u << dp_corpus_below(corpus, 8));
	else
		odd_length = dp_corpus_below(corpus, length + 1);
	return dp_bench_compare_alike(bench, frame, length, odd, odd_length, dp_corpus_below(corpus, DP_BENCH_BURST),
				      proof);
}

static uint32_t
next_frame(struct dp_bench *bench, uint8_t *frame)
{
	struct dp_corpus *corpus = &bench->corpus;
	const struct dp_filter_source *source = &bench->oracle.source;
	uint32_t length = dp_corpus_frame(corpus, frame);
	for (uint32_t guided = dp_corpus_below(corpus, 4); guided > 1; guided--) {
		uint32_t which = dp_corpus_below(corpus, source->n);
		length = dp_corpus_guide(corpus, &source->programs[which].classic, frame, length);
	}
	return dp_corpus_below(corpus, 4) == 0 ? dp_corpus_mutate(corpus, frame, length, 0) : length;
}

int
dp_prove(const struct dp_rule_source *rules, unsigned n, uint64_t seed, unsigned packets, struct dp_proof *proof,
	 struct dp_error *error)
{
	static uint8_t frame[DP_CORPUS_MAX_BYTES];
	struct dp_bench bench;
	if (dp_bench_init(&bench, rules, n, error) != 0)
		return -1;
	bench.corpus.random = seed;
	dp_classifier_describe(bench.classifier, &proof->info);
	for (unsigned i = 0; i < packets; i++) {
		uint32_t length = next_frame(&bench, frame);
		if (!dp_bench_compare(&bench, frame, length, proof))
			break;
		if (i % ALIKE_EVERY == 0 && !compare_alike(&bench, frame, length, proof))
			break;
	}
	dp_bench_free(&bench);
	return 0;
}
