/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classifier_bench [ROUNDS]: cycles per packet of dp_classify_burst for UDP frames that no rule wants, with five user
 * rules, the built-ins and `local` as `spillway run` composes them, warm in the cache; beside it what each expression
 * in a program of its own, run one after the other, would cost. One line each: name, median and least cycles.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "classifier.h"

#define FRAMES 512 /* of 64 bytes: 32 KiB, the size of a level 1 cache */
#define BURST 32
#define MAX_ROUNDS 100000
#define MATCH(...)            \
	(const char *const[]) \
	{                     \
		__VA_ARGS__   \
	}
#define ONE(text)                                                \
	{                                                        \
		.name = text, .match = MATCH(text), .n_match = 1 \
	}
#define TAGGED(text)                                                                                          \
	{                                                                                                     \
		.name = text, .match = MATCH(text, "vlan and " text, "vlan and vlan and " text), .n_match = 3 \
	}

static const struct dp_rule_source list[] = {
	ONE("tcp port 179"),
	ONE("udp port 514"),
	ONE("icmp"),
	ONE("host 10.1.2.3 and tcp port 22"),
	ONE("ether proto 0x88cc"),
	TAGGED("arp"),
	TAGGED("icmp6 and ip6[40] >= 133 and ip6[40] <= 137"),
	TAGGED("ether proto 0x88cc"),
	TAGGED("ether proto 0x8809"),
	{
		.name = "local",
		.match = MATCH("dst host 10.99.0.1", "vlan and dst host 10.99.0.1",
			       "vlan and vlan and dst host 10.99.0.1", "dst host fd00::1", "vlan and dst host fd00::1",
			       "vlan and vlan and dst host fd00::1"),
		.n_match = 6,
	},
	{.name = "default"},
};
#define RULES (sizeof(list) / sizeof(list[0]))

static const uint8_t udp_frame[42] = {0x02, 0,	0, 0, 0,  1, 0x02, 0, 0,  0, 0, 2, 0x08, 0, 0x45, 0, 0, 46, 0, 0, 0, 0,
				      64,   17, 0, 0, 10, 0, 0,	   1, 10, 0, 0, 2, 0x10, 0, 0x20, 0, 0, 26, 0, 0};

static uint8_t memory[FRAMES][128] __attribute__((aligned(64)));
static struct rte_mbuf mbufs[FRAMES];
static struct rte_mbuf *pkts[FRAMES];
static uint64_t samples[MAX_ROUNDS];
static unsigned rounds = 20000;

static int
compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one;
	uint64_t b = *(const uint64_t *)other;
	return a < b ? -1 : a > b;
}

static void
make_frames(void)
{
	for (unsigned i = 0; i < FRAMES; i++) {
		memcpy(memory[i], udp_frame, sizeof(udp_frame));
		memory[i][37] = (uint8_t)i;
		mbufs[i] = (struct rte_mbuf){
			.buf_addr = memory[i], .buf_len = 128, .data_len = 60, .pkt_len = 60, .nb_segs = 1};
		pkts[i] = &mbufs[i];
	}
}

static void
print_samples(const char *name)
{
	qsort(samples, rounds, sizeof(samples[0]), compare);
	uint64_t median = samples[rounds / 2];
	printf("%-34s median %6.2f  least %6.2f cycles/packet\n", name, (double)median / BURST,
	       (double)samples[0] / BURST);
}

static void
measure(const char *name, struct dp_classifier *const *classifiers, unsigned n)
{
	uint16_t index[BURST];
	for (unsigned round = 0; round < rounds; round++) {
		struct rte_mbuf **burst = &pkts[round * BURST % FRAMES];
		uint64_t start = rte_rdtsc_precise();
		for (unsigned c = 0; c < n; c++)
			dp_classify_burst(classifiers[c], burst, BURST, index);
		samples[round] = rte_rdtsc_precise() - start;
	}
	print_samples(name);
}

static struct dp_classifier *
compile(const struct dp_rule_source *rules, unsigned n, unsigned flags)
{
	struct dp_error error;
	struct dp_classifier *classifier = dp_classifier_new(rules, n, flags, &error);
	if (classifier == NULL) {
		fprintf(stderr, "%s: %s: %s\n", error.call, error.subject, error.message);
		exit(1);
	}
	return classifier;
}

static void
measure_fused(const char *name, unsigned flags)
{
	struct dp_classifier *classifier = compile(list, RULES, flags);
	struct dp_classifier_info info;
	dp_classifier_describe(classifier, &info);
	measure(name, &classifier, 1);
	printf("%-34s %u programs of %u instructions -> %u fast (%zu bytes), %u exact (%zu bytes)\n", "", info.programs,
	       info.source_insns, info.fast_insns, info.fast_jit_bytes, info.exact_insns, info.exact_jit_bytes);
	dp_classifier_free(classifier);
}

static void
measure_one_by_one(const char *name, unsigned flags)
{
	struct dp_classifier *classifiers[64];
	unsigned n = 0;
	for (unsigned r = 0; r < RULES; r++)
		for (unsigned m = 0; m < list[r].n_match; m++) {
			struct dp_rule_source rules[] = {{.name = "one", .match = &list[r].match[m], .n_match = 1},
							 {.name = "default"}};
			classifiers[n++] = compile(rules, 2, flags);
		}
	measure(name, classifiers, n);
	while (n > 0)
		dp_classifier_free(classifiers[--n]);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	if (rounds == 0 || rounds > MAX_ROUNDS)
		rounds = MAX_ROUNDS;
	make_frames();
	measure("(nothing)", NULL, 0);
	measure_fused("fused", 0);
	measure_fused("fused, exact program only", DP_CLASSIFIER_EXACT_ONLY);
	measure_fused("fused, interpreter", DP_CLASSIFIER_INTERPRET);
	measure_one_by_one("one program an expression", 0);
	measure_one_by_one("the same, exact program only", DP_CLASSIFIER_EXACT_ONLY);
	return 0;
}
