/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_emit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "error.h"
#include "filter_emit_internal.h"

#define NOWHERE UINT32_MAX

/* A jump that is taken when the test says yes, and its opposite. */
struct condition {
	uint8_t yes;
	uint8_t no;
	int32_t imm;
};

/* Test nodes in an order in which every jump goes forward, each followed by its likelier branch if possible. */
struct layout {
	uint32_t *order;
	uint32_t n;
	uint32_t *place;       /* [node]: its first instruction, or NOWHERE */
	dp_expr_id *available; /* [node]: the load that R0 holds, raw, however one gets there; 0 none */
	uint8_t *seen;	       /* [node]: first how often the walk came by, then whether `available` is set */
};

void
dp_emit(struct dp_emitter *emitter, struct ebpf_insn insn)
{
	if (emitter->n == DP_FILTER_MAX_INSNS) {
		emitter->full = true;
		return;
	}
	emitter->insns[emitter->n++] = insn;
}

static uint8_t
alu_code(const struct dp_expr *expr)
{
	switch (expr->op) {
	case DP_EXPR_ADD:
		return BPF_ADD;
	case DP_EXPR_SUB:
		return BPF_SUB;
	case DP_EXPR_MUL:
		return BPF_MUL;
	case DP_EXPR_DIV:
		return BPF_DIV;
	case DP_EXPR_MOD:
		return BPF_MOD;
	case DP_EXPR_AND:
		return BPF_AND;
	case DP_EXPR_OR:
		return BPF_OR;
	case DP_EXPR_XOR:
		return BPF_XOR;
	case DP_EXPR_SHL:
		return BPF_LSH;
	default:
		return BPF_RSH;
	}
}

void
dp_emit_binary_const(struct dp_emitter *emitter, const struct dp_expr *expr, uint8_t reg, uint32_t constant)
{
	dp_emit_op_imm(emitter, BPF_ALU | alu_code(expr), reg, constant);
}

void
dp_emit_binary(struct dp_emitter *emitter, const struct dp_expr *expr, uint8_t reg, uint8_t from)
{
	dp_emit_op_reg(emitter, BPF_ALU | alu_code(expr), reg, from);
}

static const struct dp_value_access *
access_of(const struct dp_filter_dag *dag)
{
	return dag->variant == DP_FILTER_FAST ? &dp_fast_access : &dp_exact_access;
}

/* The fast program leaves a test it cannot make to the exact one. */
static bool
is_leaf(const struct dp_filter_dag *dag, uint32_t node)
{
	return dag->nodes[node].leaf || access_of(dag)->scratch(dag, &dag->nodes[node].test) < 0;
}

static uint16_t
leaf_answer(const struct dp_filter_dag *dag, uint32_t node)
{
	return dag->nodes[node].leaf ? dag->nodes[node].answer : DP_FILTER_BAIL;
}

static void
emit_leaf(struct dp_emitter *emitter, uint16_t answer)
{
	dp_emit_op_imm(emitter, BPF_ALU | EBPF_MOV, EBPF_REG_0, answer);
	dp_emit(emitter, (struct ebpf_insn){.code = BPF_JMP | EBPF_EXIT});
}

/* The number that a load in the host's order gives for this value in the packet's. */
static uint32_t
raw(uint8_t size, uint32_t value)
{
	return size == 4 ? rte_cpu_to_be_32(value) : size == 2 ? rte_cpu_to_be_16((uint16_t)value) : value;
}

/* R0 == k for any k: immediates are sign-extended to 64 bits, the value is not. */
static struct condition
equals(struct dp_emitter *emitter, uint32_t k)
{
	if (k <= INT32_MAX)
		return (struct condition){BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | EBPF_JNE | BPF_K, (int32_t)k};
	dp_emit_op_imm(emitter, BPF_ALU | BPF_SUB, EBPF_REG_0, k);
	return (struct condition){BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | EBPF_JNE | BPF_K, 0};
}

/* R0 is bit `bit` of what it was, in all 64 bits of it. */
static void
keep_bit(struct dp_emitter *emitter, uint32_t bit)
{
	dp_emit_op_imm(emitter, EBPF_ALU64 | BPF_RSH, EBPF_REG_0, bit);
	dp_emit_op_imm(emitter, BPF_ALU | BPF_AND, EBPF_REG_0, 1);
}

static struct condition
opposite(struct condition condition)
{
	return (struct condition){.yes = condition.no, .no = condition.yes, .imm = condition.imm};
}

static struct condition
above(struct dp_emitter *emitter, uint32_t k)
{
	if (k <= INT32_MAX)
		return (struct condition){BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | EBPF_JLE | BPF_K, (int32_t)k};
	/* Carries into bit 32 when larger. */
	dp_emit_op_imm(emitter, EBPF_ALU64 | BPF_ADD, EBPF_REG_0, UINT32_MAX - k);
	keep_bit(emitter, 32);
	return (struct condition){BPF_JMP | EBPF_JNE | BPF_K, BPF_JMP | BPF_JEQ | BPF_K, 0};
}

/*
 * Equality of a load, or some bits of it, needs no byte swap: the constant is swapped here instead. `*available` is
 * the load that R0 already holds, and becomes the one it holds afterwards.
 */
static struct condition
raw_equal(struct dp_emitter *emitter, const struct dp_test *test, dp_expr_id *available)
{
	const struct dp_expr *exprs = emitter->dag->exprs.exprs;
	const struct dp_expr *expr = &exprs[test->a];
	dp_expr_id id = expr->op == DP_EXPR_AND ? expr->a : test->a;
	const struct dp_expr *load = &exprs[id];
	if (*available != id)
		dp_emit_load(emitter, dp_bpf_size(load->size), EBPF_REG_0, EBPF_REG_2, load->k);
	*available = id;
	uint32_t k = raw(load->size, test->k);
	if (expr->op == DP_EXPR_AND) {
		dp_emit_op_imm(emitter, BPF_ALU | BPF_AND, EBPF_REG_0, raw(load->size, exprs[expr->b].k));
		*available = 0;
	}
	if (k > INT32_MAX)
		*available = 0;
	return equals(emitter, k);
}

static bool
is_raw_comparable(const struct dp_filter_dag *dag, const struct dp_test *test)
{
	const struct dp_expr *expr = &dag->exprs.exprs[test->a];
	if (dag->variant != DP_FILTER_FAST || test->kind != DP_TEST_EQUAL)
		return false;
	if (expr->op == DP_EXPR_AND && dp_expr_is_const(&dag->exprs, expr->b))
		expr = &dag->exprs.exprs[expr->a];
	return expr->op == DP_EXPR_LOAD;
}

/* A difference is negative: bit 63. */
static struct condition
negative(struct dp_emitter *emitter)
{
	keep_bit(emitter, 63);
	return (struct condition){BPF_JMP | EBPF_JNE | BPF_K, BPF_JMP | BPF_JEQ | BPF_K, 0};
}

static struct condition
compare(struct dp_emitter *emitter, const struct dp_test *test)
{
	const struct dp_value_access *access = access_of(emitter->dag);
	switch (test->kind) {
	case DP_TEST_EQUAL:
		access->value(emitter, test->a);
		return equals(emitter, test->k);
	case DP_TEST_ABOVE:
		access->value(emitter, test->a);
		return above(emitter, test->k);
	case DP_TEST_ABOVE_X: /* b - a < 0 */
		access->difference(emitter, test->a, test->b, 0);
		return negative(emitter);
	case DP_TEST_INSIDE: /* b - a - k >= 0 */
		break;
	}
	access->difference(emitter, test->a, test->b, test->k);
	return opposite(negative(emitter));
}

static struct condition
emit_test(struct dp_emitter *emitter, const struct dp_test *test, dp_expr_id *available)
{
	const struct dp_value_access *access = access_of(emitter->dag);
	if (is_raw_comparable(emitter->dag, test))
		return raw_equal(emitter, test, available);
	*available = 0;
	struct condition condition = compare(emitter, test);
	access->clear(emitter, (unsigned)access->scratch(emitter->dag, test));
	return condition;
}

static void
emit_jump(struct dp_emitter *emitter, uint8_t code, int32_t imm, uint32_t node)
{
	if (emitter->full)
		return;
	emitter->jumps[emitter->n_jumps++] = (struct dp_jump){.insn = emitter->n, .node = node};
	dp_emit(emitter, (struct ebpf_insn){.code = code, .imm = imm});
}

/* All who jump to a node must leave the same load in R0 for it to be of use there. */
static void
leave_available(struct layout *layout, uint32_t node, dp_expr_id available)
{
	if (layout->seen[node] == 0)
		layout->available[node] = available;
	else if (layout->available[node] != available)
		layout->available[node] = 0;
	layout->seen[node] = 1;
}

static void
emit_node(struct dp_emitter *emitter, struct layout *layout, uint32_t at)
{
	const struct dp_filter_dag *dag = emitter->dag;
	uint32_t id = layout->order[at];
	uint32_t following = at + 1 < layout->n ? layout->order[at + 1] : NOWHERE;
	const struct dp_filter_node *node = &dag->nodes[id];
	dp_expr_id available = layout->available[id];
	struct condition condition = emit_test(emitter, &node->test, &available);
	leave_available(layout, node->yes, 0); /* there the verifier takes R0 for the constant */
	leave_available(layout, node->no, available);
	bool yes_follows = following == node->yes || (following != node->no && is_leaf(dag, node->yes) &&
						      (node->likely || !is_leaf(dag, node->no)));
	uint32_t through = yes_follows ? node->yes : node->no;
	emit_jump(emitter, yes_follows ? condition.no : condition.yes, condition.imm,
		  yes_follows ? node->no : node->yes);
	if (through == following)
		return;
	if (is_leaf(dag, through))
		emit_leaf(emitter, leaf_answer(dag, through));
	else
		emit_jump(emitter, BPF_JMP | BPF_JA, 0, through);
}

/* Leaves that are jumped to stand at the end, once each; then all jumps learn how far they go. */
static void
resolve_jumps(struct dp_emitter *emitter, struct layout *layout)
{
	for (uint32_t i = 0; i < emitter->n_jumps && !emitter->full; i++) {
		const struct dp_jump jump = emitter->jumps[i];
		if (layout->place[jump.node] == NOWHERE) {
			layout->place[jump.node] = emitter->n;
			emit_leaf(emitter, leaf_answer(emitter->dag, jump.node));
		}
		emitter->insns[jump.insn].off = (int16_t)(layout->place[jump.node] - jump.insn - 1);
	}
}

/* Depth first, without recursion since lists are long: a node is placed before all that it leads to. */
static void
lay_out(const struct dp_filter_dag *dag, struct layout *layout, uint32_t *stack)
{
	uint32_t depth = 0;
	uint32_t n = 0;
	stack[depth++] = dag->root;
	while (depth > 0) {
		uint32_t id = stack[depth - 1];
		const struct dp_filter_node *node = &dag->nodes[id];
		uint8_t visit = layout->seen[id]++; /* 0, 1: a branch each; 2: done */
		/* What is walked last comes to stand right behind its predecessor. */
		uint32_t next = (visit == 0) == node->likely ? node->no : node->yes;
		if (visit >= 2) {
			depth--;
			layout->order[n++] = id;
		} else if (!is_leaf(dag, next) && layout->seen[next] == 0) {
			stack[depth++] = next;
		}
	}
	for (uint32_t i = 0; i < n / 2; i++) {
		uint32_t swapped = layout->order[i];
		layout->order[i] = layout->order[n - 1 - i];
		layout->order[n - 1 - i] = swapped;
	}
	layout->n = n;
	memset(layout->seen, 0, dag->n);
}

static unsigned
most_scratch(const struct dp_filter_dag *dag, const struct layout *layout)
{
	int most = 0;
	for (uint32_t i = 0; i < layout->n; i++) {
		int scratch = access_of(dag)->scratch(dag, &dag->nodes[layout->order[i]].test);
		most = scratch > most ? scratch : most;
	}
	return (unsigned)most;
}

/* In the exact program there is nobody to leave a test to. */
static bool
too_deep(const struct dp_filter_dag *dag)
{
	for (uint32_t i = 0; dag->variant == DP_FILTER_EXACT && i < dag->n; i++)
		if (!dag->nodes[i].leaf && is_leaf(dag, i))
			return true;
	return false;
}

/*
 * Does nothing, in two bytes of x86 each, before some tests: few in the first variations, then up to three before each,
 * since a jump that is one byte too long or short for the JIT may need as many.
 */
static void
emit_variation(struct dp_emitter *emitter, uint32_t at, unsigned variation)
{
	uint32_t hash = (at + 1) * 0x9e3779b9u ^ variation * 0x85ebca6bu;
	hash = (hash ^ hash >> 15) * 0x2c1b3c6du;
	unsigned n = variation < 3 ? hash >> 29 == 0 : hash >> 30;
	while (variation > 0 && n-- > 0)
		dp_emit_op_reg(emitter, BPF_ALU | EBPF_MOV, EBPF_REG_0, EBPF_REG_0);
}

static void
emit_all(struct dp_emitter *emitter, struct layout *layout, uint32_t *stack, unsigned variation)
{
	const struct dp_filter_dag *dag = emitter->dag;
	if (is_leaf(dag, dag->root)) {
		emit_leaf(emitter, leaf_answer(dag, dag->root));
		return;
	}
	lay_out(dag, layout, stack);
	emitter->scratch = most_scratch(dag, layout);
	access_of(dag)->prologue(emitter);
	for (uint32_t i = 0; i < layout->n; i++) {
		layout->place[layout->order[i]] = emitter->n;
		emit_variation(emitter, i, variation);
		emit_node(emitter, layout, i);
	}
	resolve_jumps(emitter, layout);
}

int
dp_filter_emit(struct dp_filter_code *code, const struct dp_filter_dag *dag, unsigned variation, struct dp_error *error)
{
	struct dp_emitter emitter = {.dag = dag};
	struct layout layout = {0};
	uint32_t *stack = calloc(dag->n + 1, sizeof(*stack));
	emitter.insns = calloc(DP_FILTER_MAX_INSNS, sizeof(*emitter.insns));
	emitter.jumps = calloc(DP_FILTER_MAX_INSNS, sizeof(*emitter.jumps));
	layout.order = calloc(dag->n, sizeof(*layout.order));
	layout.place = malloc(dag->n * sizeof(*layout.place));
	layout.available = calloc(dag->n, sizeof(*layout.available));
	layout.seen = calloc(dag->n, sizeof(*layout.seen));
	int result = 0;
	if (stack == NULL || emitter.insns == NULL || emitter.jumps == NULL || layout.order == NULL ||
	    layout.place == NULL || layout.available == NULL || layout.seen == NULL) {
		result = dp_fail(error, ENOMEM, "dp_classifier_new", "rule list", "out of memory");
	} else if (too_deep(dag)) {
		result = dp_fail(error, EINVAL, "dp_classifier_new", "rule list",
				 "the expression's arithmetic is nested too deeply");
	} else {
		memset(layout.place, 0xff, dag->n * sizeof(*layout.place));
		emit_all(&emitter, &layout, stack, variation);
		if (emitter.full)
			result = dp_fail(error, E2BIG, "dp_classifier_new", "rule list",
					 "the list is too large: it needs more than %d eBPF instructions",
					 DP_FILTER_MAX_INSNS);
	}
	free(stack);
	free(emitter.jumps);
	free(layout.order);
	free(layout.place);
	free(layout.available);
	free(layout.seen);
	*code = (struct dp_filter_code){.insns = emitter.insns, .n = emitter.n};
	if (result != 0)
		dp_filter_code_free(code);
	return result;
}

void
dp_filter_code_free(struct dp_filter_code *code)
{
	free(code->insns);
	*code = (struct dp_filter_code){0};
}

struct rte_bpf_arg
dp_filter_argument(void)
{
	/* An mbuf's buffer has 64 KiB at most; the verifier adds an index of 16 bits to an offset of 15. */
	return (struct rte_bpf_arg){
		.type = RTE_BPF_ARG_PTR_MBUF, .size = sizeof(struct rte_mbuf), .buf_size = 1u << 18};
}
