/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_fuse.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "filter_fuse_internal.h"
#include "filter_shape.h"
#include "filter_vet.h"

/* Bounds on work and memory; beyond them the list is fused again with less effort. */
#define MAX_STEPS 400000
#define NODE_SLOTS (1u << 17)
#define MAX_DEPTH 20000
/* Deep recursion for long lists: MAX_DEPTH frames. Only what is touched costs memory. */
#define STACK_BYTES (64u << 20)

static uint32_t
hash_node(const struct dp_filter_node *node)
{
	uint64_t hash = node->leaf ? node->answer : (uint64_t)node->yes << 20 ^ node->no;
	hash = (hash ^ (uint64_t)node->test.a << 40 ^ node->test.k) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32) % NODE_SLOTS;
}

/* Equal nodes are one node. They are compared as bytes, so whoever makes one clears it first. */
static uint32_t
intern_node(struct dp_fuser *fuser, const struct dp_filter_node *node)
{
	struct dp_filter_dag *dag = fuser->dag;
	uint32_t slot = hash_node(node);
	for (; fuser->node_slots[slot] != 0; slot = (slot + 1) % NODE_SLOTS)
		if (memcmp(&dag->nodes[fuser->node_slots[slot] - 1], node, sizeof(*node)) == 0)
			return fuser->node_slots[slot] - 1;
	if (dag->n == DP_FILTER_MAX_NODES) {
		fuser->too_big = true;
		return 0;
	}
	dag->nodes[dag->n] = *node;
	fuser->node_slots[slot] = dag->n + 1;
	return dag->n++;
}

static uint32_t
make_leaf(struct dp_fuser *fuser, uint16_t answer)
{
	struct dp_filter_node node;
	memset(&node, 0, sizeof(node));
	node.leaf = true;
	node.answer = answer;
	return intern_node(fuser, &node);
}

uint32_t
dp_filter_node(struct dp_fuser *fuser, const struct dp_filter_node *test, uint32_t yes, uint32_t no)
{
	const struct dp_filter_dag *dag = fuser->dag;
	struct dp_filter_node node;
	memcpy(&node, test, sizeof(node));
	node.yes = yes;
	node.no = no;
	node.support = dag->exprs.exprs[test->test.a].support;
	dp_support_add(&node.support, &dag->exprs.exprs[test->test.b].support);
	dp_support_add(&node.support, &dag->nodes[yes].support);
	dp_support_add(&node.support, &dag->nodes[no].support);
	return intern_node(fuser, &node);
}

static uint32_t
make_test(struct dp_fuser *fuser, const struct dp_fork *fork, uint32_t yes, uint32_t no)
{
	struct dp_filter_node node;
	memset(&node, 0, sizeof(node));
	node.likely = fork->likely;
	node.yes_needs_test = fork->yes_needs_test;
	node.no_needs_test = fork->no_needs_test;
	node.test = fork->test;
	return dp_filter_node(fuser, &node, yes, no);
}

__attribute__((noinline)) static const struct dp_facts *
learn(struct dp_fuser *fuser, const struct dp_facts *facts, const struct dp_test *test, bool answer)
{
	struct dp_facts_builder learned;
	dp_facts_learn(facts, &fuser->dag->exprs, test, answer, &learned);
	const struct dp_facts *result = dp_memo_facts(fuser->memo, &learned);
	if (result == NULL)
		fuser->too_big = true;
	return result == NULL ? facts : result;
}

static uint32_t build(struct dp_fuser *fuser, struct dp_state state, const struct dp_facts *facts,
		      struct dp_support *consulted);

static uint32_t
join(struct dp_fuser *fuser, const struct dp_fork *fork, const struct dp_facts *facts, struct dp_support *consulted)
{
	uint32_t yes = build(fuser, fork->yes, learn(fuser, facts, &fork->test, true), consulted);
	uint32_t no = build(fuser, fork->no, learn(fuser, facts, &fork->test, false), consulted);
	return yes == no ? yes : make_test(fuser, fork, yes, no);
}

static uint32_t
build_fork(struct dp_fuser *fuser, const struct dp_fork *fork, const struct dp_facts *facts,
	   struct dp_support *consulted)
{
	const struct dp_expr_table *exprs = &fuser->dag->exprs;
	uint32_t node = 0;
	if (dp_memo_find(fuser->memo, exprs, &fork->at, facts, &node, consulted))
		return node;
	struct dp_support here = fork->consulted;
	if (fuser->depth == MAX_DEPTH) {
		fuser->too_big = true;
		return 0;
	}
	fuser->depth++;
	node = join(fuser, fork, facts, &here);
	fuser->depth--;
	if (!dp_memo_add(fuser->memo, &fork->at, facts, node, &here))
		fuser->too_big = true;
	dp_support_add(consulted, &here);
	return node;
}

static uint32_t
build(struct dp_fuser *fuser, struct dp_state state, const struct dp_facts *facts, struct dp_support *consulted)
{
	struct dp_fork fork;
	if (fuser->refused != NULL || fuser->too_big)
		return 0;
	if (dp_filter_step(fuser, &state, &facts, consulted, &fork))
		return build_fork(fuser, &fork, facts, consulted);
	if (state.program == DP_STATE_MATCH)
		return make_leaf(fuser, state.pc);
	return make_leaf(fuser, DP_FILTER_BAIL);
}

/* The fast variant asks for its window once, before everything. */
static uint32_t
build_root(struct dp_fuser *fuser)
{
	struct dp_facts_builder nothing = {.n = 0};
	struct dp_support consulted = {{0}};
	const struct dp_facts *facts = dp_memo_facts(fuser->memo, &nothing);
	if (facts == NULL)
		return 0;
	if (fuser->variant == DP_FILTER_EXACT)
		return build(fuser, (struct dp_state){0}, facts, &consulted);
	struct dp_expr_table *exprs = &fuser->dag->exprs;
	struct dp_fork window = {
		.test = {.kind = DP_TEST_ABOVE, .a = dp_expr_symbol(exprs, DP_EXPR_SEGMENT), .k = DP_FILTER_WINDOW - 1},
		.likely = true,
		.yes_needs_test = true,
	};
	struct dp_test frame = {
		.kind = DP_TEST_ABOVE, .a = dp_expr_symbol(exprs, DP_EXPR_LENGTH), .k = DP_FILTER_WINDOW - 1};
	facts = learn(fuser, learn(fuser, facts, &window.test, true), &frame, true);
	uint32_t inside = build(fuser, (struct dp_state){0}, facts, &consulted);
	uint32_t bail = make_leaf(fuser, DP_FILTER_BAIL);
	return inside == bail ? bail : make_test(fuser, &window, inside, bail);
}

static bool
add_program(struct dp_fuser *fuser, const struct bpf_program *classic, uint16_t answer)
{
	struct dp_stepped *program = &fuser->programs[fuser->n_programs++];
	*program = (struct dp_stepped){.insns = classic->bf_insns, .n = classic->bf_len, .answer = answer};
	program->live = dp_filter_liveness(classic->bf_insns, classic->bf_len);
	return program->live != NULL;
}

static bool
add_programs(struct dp_fuser *fuser, const struct dp_filter_source *source)
{
	struct bpf_program vet = dp_filter_vet_program();
	fuser->programs = calloc(source->n + 1, sizeof(*fuser->programs));
	if (fuser->programs == NULL)
		return false;
	if (fuser->variant == DP_FILTER_FAST && !add_program(fuser, &vet, DP_STATE_BAIL))
		return false;
	for (unsigned i = 0; i < source->n; i++)
		if (!add_program(fuser, &source->programs[i].classic, (uint16_t)source->programs[i].rule))
			return false;
	return true;
}

/* A stop behind the vetting program and behind the programs of each rule. */
static void
add_stop(struct dp_fuser *fuser)
{
	fuser->programs[fuser->n_programs++] = (struct dp_stepped){.answer = DP_FILTER_NO_MATCH};
}

/* `starts[i]` is where the vetting program (0) and each rule's programs (from 1) begin. */
static bool
add_stopped_programs(struct dp_fuser *fuser, const struct dp_filter_source *source, uint16_t *starts)
{
	struct bpf_program vet = dp_filter_vet_program();
	fuser->programs = calloc(2 * (source->n + 1), sizeof(*fuser->programs));
	if (fuser->programs == NULL || !add_program(fuser, &vet, DP_STATE_BAIL))
		return false;
	starts[0] = 0;
	for (unsigned i = 0; i < source->n; i++) {
		const struct dp_filter_program *program = &source->programs[i];
		if (i == 0 || program->rule != source->programs[i - 1].rule) {
			add_stop(fuser);
			starts[program->rule + 1] = (uint16_t)fuser->n_programs;
		}
		if (!add_program(fuser, &program->classic, (uint16_t)program->rule))
			return false;
	}
	return true;
}

struct shape_fuser {
	struct dp_fuser fuser;
	unsigned n_starts;
	uint16_t *starts;
	uint32_t *roots;
};

static const struct dp_facts *
facts_of_shape(struct dp_fuser *fuser, unsigned shape)
{
	struct dp_filter_premise premises[DP_SHAPE_MAX_PREMISES];
	struct dp_facts_builder nothing = {.n = 0};
	const struct dp_facts *facts = dp_memo_facts(fuser->memo, &nothing);
	unsigned n = dp_filter_shape_premises(&fuser->dag->exprs, shape, premises);
	for (unsigned i = 0; facts != NULL && i < n; i++)
		facts = learn(fuser, facts, &premises[i].test, premises[i].holds);
	if (facts == NULL)
		fuser->too_big = true;
	return facts;
}

static void *
fuse_by_shape_on_own_stack(void *argument)
{
	struct shape_fuser *shapes = argument;
	struct dp_support consulted = {{0}};
	for (unsigned shape = 0; shape < DP_SHAPES; shape++) {
		const struct dp_facts *facts = facts_of_shape(&shapes->fuser, shape);
		for (unsigned i = 0; i < shapes->n_starts; i++)
			shapes->roots[shape * shapes->n_starts + i] = build(
				&shapes->fuser, (struct dp_state){.program = shapes->starts[i]}, facts, &consulted);
	}
	return NULL;
}

static void *
fuse_on_own_stack(void *argument)
{
	struct dp_fuser *fuser = argument;
	fuser->dag->root = build_root(fuser);
	if (fuser->refused == NULL && !fuser->too_big)
		fuser->dag->root = dp_filter_reduce(fuser, fuser->dag->root);
	return NULL;
}

static int
run_on_own_stack(void *(*run)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int failure = pthread_attr_init(&attributes);
	if (failure != 0)
		return failure;
	failure = pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (failure == 0)
		failure = pthread_create(&thread, &attributes, run, argument);
	if (failure == 0)
		failure = pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	return failure;
}

static int
report(const struct dp_fuser *fuser, int failure, struct dp_error *error)
{
	if (failure != 0)
		return dp_fail(error, failure, "pthread_create", "rule list", "%s", strerror(failure));
	if (fuser->refused != NULL)
		return dp_fail(error, EINVAL, "dp_classifier_new", "rule list", "%s", fuser->refused);
	if (fuser->too_big)
		return dp_fail(error, E2BIG, "dp_classifier_new", "rule list",
			       "the list is too large: its programs do not fuse into %d tests", DP_FILTER_MAX_NODES);
	if (fuser->dag->exprs.out_of_memory)
		return dp_fail(error, ENOMEM, "dp_classifier_new", "rule list", "out of memory");
	return 0;
}

static bool
open_fuser(struct dp_fuser *fuser, struct dp_filter_dag *dag, enum dp_filter_variant variant, unsigned effort)
{
	*dag = (struct dp_filter_dag){.variant = variant, .effort = effort};
	*fuser = (struct dp_fuser){
		.dag = dag, .variant = variant, .effort = effort, .memo = dp_memo_new(), .steps_left = MAX_STEPS};
	dag->nodes = calloc(DP_FILTER_MAX_NODES, sizeof(*dag->nodes));
	fuser->node_slots = calloc(NODE_SLOTS, sizeof(*fuser->node_slots));
	return dp_expr_table_init(&dag->exprs) && dag->nodes != NULL && fuser->node_slots != NULL &&
	       fuser->memo != NULL;
}

/* Keeps the DAG when `result` is 0. */
static int
close_fuser(struct dp_fuser *fuser, int result)
{
	for (unsigned i = 0; fuser->programs != NULL && i < fuser->n_programs; i++)
		free(fuser->programs[i].live);
	free(fuser->programs);
	free(fuser->node_slots);
	dp_memo_free(fuser->memo);
	if (result != 0)
		dp_filter_dag_free(fuser->dag);
	return result;
}

int
dp_filter_fuse(struct dp_filter_dag *dag, const struct dp_filter_source *source, enum dp_filter_variant variant,
	       unsigned effort, struct dp_error *error)
{
	struct dp_fuser fuser;
	int failure = ENOMEM;
	if (open_fuser(&fuser, dag, variant, effort) && add_programs(&fuser, source))
		failure = run_on_own_stack(fuse_on_own_stack, &fuser);
	return close_fuser(&fuser, report(&fuser, failure, error));
}

int
dp_filter_fuse_by_shape(struct dp_filter_dag *dag, const struct dp_filter_source *source, unsigned n_rules,
			uint32_t *roots, struct dp_error *error)
{
	struct shape_fuser shapes = {.n_starts = n_rules + 1, .roots = roots};
	int failure = ENOMEM;
	shapes.starts = calloc(shapes.n_starts, sizeof(*shapes.starts));
	if (open_fuser(&shapes.fuser, dag, DP_FILTER_FAST, 0) && shapes.starts != NULL &&
	    add_stopped_programs(&shapes.fuser, source, shapes.starts))
		failure = run_on_own_stack(fuse_by_shape_on_own_stack, &shapes);
	free(shapes.starts);
	return close_fuser(&shapes.fuser, report(&shapes.fuser, failure, error));
}

void
dp_filter_dag_free(struct dp_filter_dag *dag)
{
	dp_expr_table_free(&dag->exprs);
	free(dag->nodes);
	*dag = (struct dp_filter_dag){0};
}
