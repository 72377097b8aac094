/* SPDX-License-Identifier: Apache-2.0 */
/* What filter_step.c (one program, symbolically), filter_memo.c and filter_fuse.c (the DAG) share. */
#ifndef DP_FILTER_FUSE_INTERNAL_H
#define DP_FILTER_FUSE_INTERNAL_H

#include "filter_fuse.h"
#include "filter_source.h"

/* States that are no place in a program. */
#define DP_STATE_BAIL 0xffff
#define DP_STATE_MATCH 0xfffe /* pc is the rule */

/* Registers in a liveness mask: scratch memory 0 to 15, then A and X. */
#define DP_LIVE_A (1u << 16)
#define DP_LIVE_X (1u << 17)
#define DP_LIVE_M(k) (1u << ((k)&15))

/* Where symbolic execution is. Dead registers are 0, so that equal futures are equal states. */
struct dp_state {
	uint16_t program;
	uint16_t pc;
	uint16_t checked; /* the guard of the instruction at pc has been passed */
	uint16_t unused;
	dp_expr_id a;
	dp_expr_id x;
	dp_expr_id mem[16];
};

/* A program as the fuser sees it. */
struct dp_stepped {
	const struct bpf_insn *insns;
	uint32_t n;
	uint16_t answer; /* what a non-zero return means; DP_STATE_BAIL for the vetting program */
	uint32_t *live;	 /* [pc]: registers read later */
};

/* An open test and where both answers lead. */
struct dp_fork {
	struct dp_test test;
	struct dp_state at; /* the state that made the test */
	struct dp_state yes;
	struct dp_state no;
	struct dp_support consulted; /* what was looked at to come to this test */
	bool likely;
	bool yes_needs_test; /* executing `yes` is only safe when the test was true */
	bool no_needs_test;
};

struct dp_memo;

struct dp_fuser {
	struct dp_filter_dag *dag;
	enum dp_filter_variant variant;
	unsigned effort;
	unsigned n_programs;
	struct dp_stepped *programs;
	struct dp_memo *memo;
	uint64_t steps_left;
	unsigned depth;
	uint32_t *node_slots; /* hash table of node ids + 1 */
	const char *refused;  /* why it cannot go on; a constant */
	bool too_big;	      /* ... and a smaller effort may help */
};

/*
 * Runs from *state under *facts until a test is open (true, *fork filled) or the outcome is certain (false, *state
 * is DP_STATE_BAIL or DP_STATE_MATCH). *facts may shrink on the way into the next program. What was looked at is
 * added to *consulted.
 */
bool dp_filter_step(struct dp_fuser *fuser, struct dp_state *state, const struct dp_facts **facts,
		    struct dp_support *consulted, struct dp_fork *fork);
/* Registers that are read at or after each instruction. Returns NULL when out of memory. */
uint32_t *dp_filter_liveness(const struct bpf_insn *insns, uint32_t n);

/* The node for this test and these branches; fuser->too_big when there are too many. */
uint32_t dp_filter_node(struct dp_fuser *fuser, const struct dp_filter_node *test, uint32_t yes, uint32_t no);
/* The same decisions with fewer tests: filter_reduce.c. */
uint32_t dp_filter_reduce(struct dp_fuser *fuser, uint32_t root);

struct dp_memo *dp_memo_new(void);
void dp_memo_free(struct dp_memo *memo);
/* The one copy of these facts, or NULL when there is no more room. */
const struct dp_facts *dp_memo_facts(struct dp_memo *memo, const struct dp_facts_builder *builder);
/* What was found for this state under facts that agree on all that mattered. */
bool dp_memo_find(struct dp_memo *memo, const struct dp_expr_table *table, const struct dp_state *state,
		  const struct dp_facts *facts, uint32_t *node, struct dp_support *consulted);
bool dp_memo_add(struct dp_memo *memo, const struct dp_state *state, const struct dp_facts *facts, uint32_t node,
		 const struct dp_support *consulted);

#endif
