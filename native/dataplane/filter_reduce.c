/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes out tests that make no difference. A test is worth making only if the packets that pass it would fare
 * otherwise on the other branch: `host 10.1.2.3 and tcp port 22` need not look at the host of a UDP packet, whatever
 * order libpcap gave the two. Where following the one branch with the opposite answer leads to the same decisions as
 * the opposite branch, the one branch serves both.
 */
#include <stdlib.h>
#include <string.h>

#include "filter_fuse_internal.h"

#define MAX_RESTRICTIONS 4000000
#define NOWHERE UINT32_MAX

struct reducer {
	struct dp_fuser *fuser;
	uint32_t *reduced;    /* [node]: what it became, or NOWHERE */
	uint32_t *restricted; /* [node]: the same under the facts of this round */
	uint32_t *round_of;   /* [node]: the round in which that was found */
	uint32_t round;
	uint32_t steps_left;
	uint32_t most_nodes; /* when there are more, what is left is taken as it is */
};

static uint32_t restricted_node(struct reducer *reducer, uint32_t id, const struct dp_facts *facts,
				const struct dp_support *touched);

static uint32_t
restrict_test(struct reducer *reducer, uint32_t id, const struct dp_facts *facts, const struct dp_support *touched)
{
	struct dp_filter_dag *dag = reducer->fuser->dag;
	const struct dp_filter_node node = dag->nodes[id];
	struct dp_test test = node.test;
	enum dp_answer answer = dp_facts_decide(facts, &dag->exprs, &test);
	if (answer != DP_ANSWER_OPEN)
		return restricted_node(reducer, answer == DP_ANSWER_YES ? node.yes : node.no, facts, touched);
	uint32_t yes = restricted_node(reducer, node.yes, facts, touched);
	uint32_t no = restricted_node(reducer, node.no, facts, touched);
	if (yes == NOWHERE || no == NOWHERE)
		return NOWHERE;
	if (yes == no)
		return yes;
	return yes == node.yes && no == node.no ? id : dp_filter_node(reducer->fuser, &node, yes, no);
}

/* What the node comes down to when the facts hold; NOWHERE when the work is not worth it any more. */
static uint32_t
restricted_node(struct reducer *reducer, uint32_t id, const struct dp_facts *facts, const struct dp_support *touched)
{
	const struct dp_filter_dag *dag = reducer->fuser->dag;
	if (dag->nodes[id].leaf || !dp_support_meets(&dag->nodes[id].support, touched))
		return id;
	if (reducer->round_of[id] == reducer->round)
		return reducer->restricted[id];
	if (reducer->steps_left == 0 || dag->n >= reducer->most_nodes)
		return NOWHERE;
	reducer->steps_left--;
	uint32_t result = restrict_test(reducer, id, facts, touched);
	reducer->round_of[id] = reducer->round;
	reducer->restricted[id] = result;
	return result;
}

static uint32_t
restrict_by(struct reducer *reducer, uint32_t id, const struct dp_test *test, bool answer)
{
	static const struct dp_facts nothing = {.n = 0};
	const struct dp_expr_table *exprs = &reducer->fuser->dag->exprs;
	struct dp_facts_builder learned;
	dp_facts_learn(&nothing, exprs, test, answer, &learned);
	const struct dp_facts *facts = dp_memo_facts(reducer->fuser->memo, &learned);
	if (facts == NULL)
		return NOWHERE;
	struct dp_support touched = exprs->exprs[test->a].support;
	dp_support_add(&touched, &exprs->exprs[test->b].support);
	reducer->round++;
	return restricted_node(reducer, id, facts, &touched);
}

/*
 * Loads on the `yes` branch of a test of lengths rely on that test for their safety, as does a division on the
 * branch where the divisor is not zero: such a branch serves nobody else.
 */
static bool
relies_on_test(const struct dp_filter_dag *dag, const struct dp_filter_node *node, bool branch)
{
	static const struct dp_support lengths = {
		{0, 0, UINT64_C(1) << (DP_SUPPORT_LENGTH % 64) | UINT64_C(1) << (DP_SUPPORT_SEGMENT % 64)}};
	if (!branch)
		return node->no_needs_test;
	return node->yes_needs_test || dp_support_meets(&dag->exprs.exprs[node->test.a].support, &lengths) ||
	       dp_support_meets(&dag->exprs.exprs[node->test.b].support, &lengths);
}

/* Whether this branch (`mine`) does with the opposite answer what the opposite branch (`other`) does. */
static bool
serves_both(struct reducer *reducer, const struct dp_filter_node *node, bool branch, uint32_t mine, uint32_t other)
{
	return !relies_on_test(reducer->fuser->dag, node, branch) &&
	       restrict_by(reducer, mine, &node->test, !branch) == other;
}

static uint32_t
reduce(struct reducer *reducer, uint32_t id)
{
	struct dp_filter_dag *dag = reducer->fuser->dag;
	if (dag->nodes[id].leaf)
		return id;
	if (reducer->reduced[id] != NOWHERE)
		return reducer->reduced[id];
	const struct dp_filter_node node = dag->nodes[id];
	uint32_t yes = reduce(reducer, node.yes);
	uint32_t no = reduce(reducer, node.no);
	uint32_t result;
	if (yes == no || serves_both(reducer, &node, true, yes, no))
		result = yes;
	else if (serves_both(reducer, &node, false, no, yes))
		result = no;
	else
		result = dp_filter_node(reducer->fuser, &node, yes, no);
	reducer->reduced[id] = result;
	return result;
}

uint32_t
dp_filter_reduce(struct dp_fuser *fuser, uint32_t root)
{
	uint32_t before = fuser->dag->n;
	struct reducer reducer = {.fuser = fuser, .steps_left = MAX_RESTRICTIONS};
	uint32_t result = root;
	if (before > DP_FILTER_MAX_NODES / 3)
		return root;
	/* Room for a restriction under way and for each node of now to become a new one. */
	reducer.most_nodes = DP_FILTER_MAX_NODES - 2 * before;
	reducer.reduced = malloc(DP_FILTER_MAX_NODES * sizeof(uint32_t));
	reducer.restricted = calloc(DP_FILTER_MAX_NODES, sizeof(uint32_t));
	reducer.round_of = calloc(DP_FILTER_MAX_NODES, sizeof(uint32_t));
	if (reducer.reduced != NULL && reducer.restricted != NULL && reducer.round_of != NULL) {
		memset(reducer.reduced, 0xff, DP_FILTER_MAX_NODES * sizeof(uint32_t));
		result = reduce(&reducer, root);
	}
	free(reducer.reduced);
	free(reducer.restricted);
	free(reducer.round_of);
	return result;
}
