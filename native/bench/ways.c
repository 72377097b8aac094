/* SPDX-License-Identifier: Apache-2.0 */
/* Ways that go by libpcap's programs. */
#include <stdio.h>
#include <stdlib.h>

#include <rte_bpf.h>

#include "bench.h"

struct dp_classifier *
bench_compile(const struct dp_rule_source *rules, unsigned n, unsigned flags)
{
	struct dp_error error;
	struct dp_classifier *classifier = dp_classifier_new(rules, n, flags, &error);
	if (classifier != NULL)
		return classifier;
	fprintf(stderr, "%s: %s: %s\n", error.call, error.subject, error.message);
	exit(1);
}

static void *
open_tables(const struct bench_list *list, enum bench_list_kind kind)
{
	return bench_compile(list->rules, list->n, 0);
}

static void *
open_fused(const struct bench_list *list, enum bench_list_kind kind)
{
	return bench_compile(list->rules, list->n, DP_CLASSIFIER_FUSED_ONLY);
}

static void
classify(void *state, struct rte_mbuf **pkts, uint16_t *index)
{
	dp_classify_burst(state, pkts, BENCH_BURST, index);
}

static void
close_classifier(void *state)
{
	dp_classifier_free(state);
}

const struct bench_way bench_tables = {"in force", true, open_tables, classify, close_classifier};
const struct bench_way bench_fused = {"fused program", true, open_fused, classify, close_classifier};

/* Each expression compiled on its own, asked in turn. */
struct one_by_one {
	struct dp_classifier *classifiers[4 * BENCH_MAX_RULES];
	uint16_t rules[4 * BENCH_MAX_RULES];
	unsigned n;
	uint16_t others;
};

static void *
open_one_by_one(const struct bench_list *list, enum bench_list_kind kind)
{
	struct one_by_one *state = calloc(1, sizeof(*state));
	if (state == NULL)
		exit(1);
	state->others = (uint16_t)(list->n - 1);
	for (unsigned r = 0; r < list->n; r++)
		for (unsigned m = 0; m < list->rules[r].n_match; m++) {
			struct dp_rule_source one[] = {{.name = "one", .match = &list->rules[r].match[m], .n_match = 1},
						       {.name = "default"}};
			state->rules[state->n] = (uint16_t)r;
			state->classifiers[state->n++] = bench_compile(one, 2, DP_CLASSIFIER_FUSED_ONLY);
		}
	return state;
}

static void
classify_one_by_one(void *opened, struct rte_mbuf **pkts, uint16_t *index)
{
	const struct one_by_one *state = opened;
	uint16_t answers[BENCH_BURST];
	for (unsigned i = 0; i < BENCH_BURST; i++)
		index[i] = state->others;
	for (unsigned c = state->n; c-- > 0;) {
		dp_classify_burst(state->classifiers[c], pkts, BENCH_BURST, answers);
		for (unsigned i = 0; i < BENCH_BURST; i++)
			index[i] = answers[i] == 0 ? state->rules[c] : index[i];
	}
}

static void
close_one_by_one(void *opened)
{
	struct one_by_one *state = opened;
	while (state->n > 0)
		dp_classifier_free(state->classifiers[--state->n]);
	free(state);
}

const struct bench_way bench_one_by_one = {"programs in a loop", true, open_one_by_one, classify_one_by_one,
					   close_one_by_one};

/* The least that any program of rte_bpf's costs: it returns a constant. */
static void *
open_trivial(const struct bench_list *list, enum bench_list_kind kind)
{
	static const struct ebpf_insn insns[] = {
		{.code = EBPF_ALU64 | EBPF_MOV | BPF_K, .dst_reg = EBPF_REG_0, .imm = 1},
		{.code = BPF_JMP | EBPF_EXIT},
	};
	static const struct rte_bpf_prm program = {
		.ins = insns,
		.nb_ins = 2,
		.prog_arg = {.type = RTE_BPF_ARG_PTR_MBUF, .size = sizeof(struct rte_mbuf), .buf_size = 128}};
	struct rte_bpf *bpf = rte_bpf_load(&program);
	struct rte_bpf_jit jit = {.func = NULL};
	if (bpf != NULL)
		rte_bpf_get_jit(bpf, &jit);
	if (jit.func != NULL)
		return bpf;
	rte_bpf_destroy(bpf);
	return NULL; /* no JIT on this architecture */
}

static void
classify_trivially(void *state, struct rte_mbuf **pkts, uint16_t *index)
{
	struct rte_bpf_jit jit;
	rte_bpf_get_jit(state, &jit);
	for (unsigned i = 0; i < BENCH_BURST; i++)
		index[i] = (uint16_t)jit.func(pkts[i]);
}

static void
close_trivial(void *state)
{
	rte_bpf_destroy(state);
}

const struct bench_way bench_trivial = {"one trivial JIT call", false, open_trivial, classify_trivially, close_trivial};
