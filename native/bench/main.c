/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-classifier-bench ROUNDS CPU: lines of tab-separated words.
 *
 *   machine  DPDK's version, TSC in Hz
 *   agreed   list, traffic, way, packets for which the way gave the classifier's answer: all of them
 *   sample   list, traffic, way, cycles per packet in one round
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_version.h>

#include "bench.h"

#define MAX_ROUNDS 100000

static const struct bench_way *const ways[] = {&bench_tables,	    &bench_fused,      &bench_acl,
					       &bench_hand_written, &bench_one_by_one, &bench_trivial};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

/* rte_acl wants EAL; nothing else does. No log: stdout is for the figures. */
static void
start_eal(const char *cpu)
{
	char *arguments[] = {"bench",	       "-l", (char *)cpu, "--no-huge",	  "--no-pci", "--no-shconf",
			     "--no-telemetry", "-m", "64",	  "--log-level=4"};
	if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]), arguments) >= 0)
		return;
	fprintf(stderr, "rte_eal_init failed on CPU %s\n", cpu);
	exit(1);
}

static void
check_agreement(const struct bench_list *list, struct bench_traffic *traffic, const struct bench_way *way, void *state,
		void *reference)
{
	uint16_t expected[BENCH_BURST];
	uint16_t found[BENCH_BURST];
	for (unsigned i = 0; i < BENCH_PACKETS; i += BENCH_BURST) {
		bench_tables.classify(reference, &traffic->pkts[i], expected);
		way->classify(state, &traffic->pkts[i], found);
		if (memcmp(expected, found, sizeof(expected)) == 0)
			continue;
		fprintf(stderr, "%s, %s: %s does not agree with the classifier\n", list->name, traffic->name,
			way->name);
		exit(1);
	}
	printf("agreed\t%s\t%s\t%s\t%u\n", list->name, traffic->name, way->name, BENCH_PACKETS);
}

static double
measure(struct bench_traffic *traffic, const struct bench_way *way, void *state)
{
	uint16_t index[BENCH_BURST];
	/* What another way has left in the caches is not its fault. */
	for (unsigned i = 0; i < BENCH_FRAMES; i += BENCH_BURST)
		way->classify(state, &traffic->pkts[i], index);
	uint64_t start = rte_rdtsc_precise();
	for (unsigned i = 0; i < BENCH_PACKETS; i += BENCH_BURST)
		way->classify(state, &traffic->pkts[i], index);
	return (double)(rte_rdtsc_precise() - start) / BENCH_PACKETS;
}

static void
compare(const struct bench_list *list, enum bench_list_kind kind, struct bench_traffic *traffic, unsigned rounds)
{
	void *states[WAYS];
	for (unsigned w = 0; w < WAYS; w++)
		states[w] = ways[w]->open(list, kind);
	for (unsigned w = 0; w < WAYS; w++)
		if (states[w] != NULL && ways[w]->answers)
			check_agreement(list, traffic, ways[w], states[w], states[0]);
	for (unsigned round = 0; round < rounds; round++)
		for (unsigned w = 0; w < WAYS; w++)
			if (states[w] != NULL)
				printf("sample\t%s\t%s\t%s\t%.2f\n", list->name, traffic->name, ways[w]->name,
				       measure(traffic, ways[w], states[w]));
	for (unsigned w = 0; w < WAYS; w++)
		if (states[w] != NULL)
			ways[w]->close(states[w]);
}

int
main(int argc, char **argv)
{
	static struct bench_traffic traffic;
	struct bench_list list;
	unsigned long rounds = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	if (rounds == 0 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: spillway-classifier-bench ROUNDS CPU\n");
		return 64;
	}
	start_eal(argv[2]);
	printf("machine\t%s\t%lu\n", rte_version(), rte_get_tsc_hz());
	for (int kind = 0; kind < BENCH_LISTS; kind++) {
		bench_list_make(&list, (enum bench_list_kind)kind);
		for (int t = 0; t < BENCH_TRAFFICS; t++) {
			bench_traffic_make(&traffic, (enum bench_list_kind)kind, (enum bench_traffic_kind)t);
			compare(&list, (enum bench_list_kind)kind, &traffic, (unsigned)rounds);
		}
	}
	return 0;
}
