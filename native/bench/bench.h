/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-classifier-bench: what classifying a packet costs, by lists of rules, kinds of traffic and ways to do it.
 * Every way must give the answers of the classifier before it is timed, and all take turns, round by round.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "classifier.h"

#define BENCH_BURST 32
#define BENCH_FRAMES 512
#define BENCH_PACKETS 16384 /* the frames in an order that no branch predictor learns */
#define BENCH_MAX_RULES 80
#define BENCH_RULES 64 /* of the lists that are about many */
/* What the lists and the traffic that they match have in common. */
#define BENCH_TUPLE_SOURCE(i) (0x0a140000u + 256 * (i) + 7)
#define BENCH_TUPLE_DESTINATION(i) (0x0a150000u + 256 * (i) + 9)
#define BENCH_TUPLE_SOURCE_PORT(i) (20000u + 11 * (i))
#define BENCH_TUPLE_DESTINATION_PORT(i) (30000u + 13 * (i))
#define BENCH_PORT(i) (40000u + 37 * (i))
#define BENCH_OWN_ADDRESS(i) (0x0a630001u + (i))

enum bench_list_kind { BENCH_BUILTINS, BENCH_TUPLES, BENCH_PORTS, BENCH_ADDRESSES, BENCH_LISTS };

struct bench_list {
	const char *name;
	struct dp_rule_source rules[BENCH_MAX_RULES];
	unsigned n;
};

void bench_list_make(struct bench_list *list, enum bench_list_kind kind);

enum bench_traffic_kind {
	BENCH_UNMATCHED, /* UDP that no rule takes */
	BENCH_MIXED,	 /* half of it is for some rule, in no order */
	BENCH_TRAFFICS,
};

struct bench_traffic {
	const char *name;
	uint8_t frames[BENCH_FRAMES][128] __attribute__((aligned(64)));
	struct rte_mbuf mbufs[BENCH_FRAMES];
	struct rte_mbuf *pkts[BENCH_PACKETS];
};

void bench_traffic_make(struct bench_traffic *traffic, enum bench_list_kind list, enum bench_traffic_kind kind);

/* `open` returns NULL where the list is none for this way. */
struct bench_way {
	const char *name;
	bool answers; /* false: what it gives means nothing */
	void *(*open)(const struct bench_list *list, enum bench_list_kind kind);
	void (*classify)(void *state, struct rte_mbuf **pkts, uint16_t *index);
	void (*close)(void *state);
};

extern const struct bench_way bench_tables, bench_fused, bench_one_by_one, bench_trivial, bench_hand_written, bench_acl;

/* Compiles or ends the program. */
struct dp_classifier *bench_compile(const struct dp_rule_source *rules, unsigned n, unsigned flags);

#endif
