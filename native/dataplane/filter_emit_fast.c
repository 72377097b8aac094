/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the fast program, straight from the first segment: R1 the mbuf, R2 its data, R3 to R5 scratch. No call,
 * no stack, no register that would have to be saved.
 */
#include <rte_mbuf_core.h>

#include "filter_emit_internal.h"

#define MBUF EBPF_REG_1
#define DATA EBPF_REG_2
#define DEEPEST 3

/* fast_scratch() has seen to it that no value lies deeper. */
static uint8_t
register_at(unsigned depth)
{
	static const uint8_t registers[DEEPEST + 1] = {EBPF_REG_0, EBPF_REG_3, EBPF_REG_4, EBPF_REG_5};
	return registers[depth & DEEPEST];
}

/* Registers beside the first that the value needs, or more than DEEPEST when it cannot be had. */
static int
depth_of(const struct dp_filter_dag *dag, dp_expr_id id)
{
	const struct dp_expr *expr = &dag->exprs.exprs[id];
	if (expr->op == DP_EXPR_CONST || expr->op == DP_EXPR_LENGTH || expr->op == DP_EXPR_SEGMENT)
		return 0;
	bool far = (expr->op == DP_EXPR_LOAD || expr->op == DP_EXPR_LOAD_VAR) && expr->k > INT16_MAX - 4;
	if (far)
		return DEEPEST + 1;
	if (expr->op == DP_EXPR_LOAD)
		return 0;
	int a = depth_of(dag, expr->a);
	int b = expr->op == DP_EXPR_LOAD_VAR		 ? 1
		: dp_expr_is_const(&dag->exprs, expr->b) ? 0
							 : 1 + depth_of(dag, expr->b);
	return a > b ? a : b;
}

static int
fast_scratch(const struct dp_filter_dag *dag, const struct dp_test *test)
{
	int depth = depth_of(dag, test->a);
	if (test->kind == DP_TEST_INSIDE || test->kind == DP_TEST_ABOVE_X) {
		int limit = depth_of(dag, test->b);
		depth = depth + 1 > limit ? depth + 1 : limit;
	}
	return depth <= DEEPEST ? depth : -1;
}

static void
fast_clear(struct dp_emitter *emitter, unsigned scratch)
{
	for (unsigned i = 1; i <= scratch; i++)
		dp_emit_op_reg(emitter, EBPF_ALU64 | EBPF_MOV, register_at(i), MBUF);
}

static void
fast_prologue(struct dp_emitter *emitter)
{
	dp_emit_load(emitter, EBPF_DW, DATA, MBUF, offsetof(struct rte_mbuf, buf_addr));
	dp_emit_load(emitter, BPF_H, EBPF_REG_0, MBUF, offsetof(struct rte_mbuf, data_off));
	dp_emit_op_reg(emitter, EBPF_ALU64 | BPF_ADD, DATA, EBPF_REG_0);
	dp_emit_op_imm(emitter, BPF_ALU | BPF_AND, EBPF_REG_0, 0);
	fast_clear(emitter, emitter->scratch);
}

static void
to_host_order(struct dp_emitter *emitter, uint8_t size, uint8_t reg)
{
	if (size > 1)
		dp_emit(emitter, (struct ebpf_insn){.code = BPF_ALU | EBPF_END | EBPF_TO_BE,
						    .dst_reg = reg & 15,
						    .imm = size * 8});
}

static void
value_at(struct dp_emitter *emitter, dp_expr_id id, unsigned depth)
{
	const struct dp_expr *expr = &emitter->dag->exprs.exprs[id];
	uint8_t reg = register_at(depth);
	switch (expr->op) {
	case DP_EXPR_CONST:
		dp_emit_load(emitter, BPF_H, reg, MBUF, offsetof(struct rte_mbuf, data_len));
		dp_emit_op_imm(emitter, BPF_ALU | BPF_AND, reg, 0);
		dp_emit_op_imm(emitter, BPF_ALU | BPF_OR, reg, expr->k);
		return;
	case DP_EXPR_LENGTH:
		dp_emit_load(emitter, BPF_W, reg, MBUF, offsetof(struct rte_mbuf, pkt_len));
		return;
	case DP_EXPR_SEGMENT:
		dp_emit_load(emitter, BPF_H, reg, MBUF, offsetof(struct rte_mbuf, data_len));
		return;
	case DP_EXPR_LOAD:
		dp_emit_load(emitter, dp_bpf_size(expr->size), reg, DATA, expr->k);
		to_host_order(emitter, expr->size, reg);
		return;
	case DP_EXPR_LOAD_VAR: {
		/* The guard before has seen to it that the place is in the segment: the mask is for the verifier. */
		uint8_t pointer = register_at(depth + 1);
		value_at(emitter, expr->a, depth);
		dp_emit_op_imm(emitter, EBPF_ALU64 | BPF_AND, reg, 0xffff);
		dp_emit_op_reg(emitter, EBPF_ALU64 | EBPF_MOV, pointer, DATA);
		dp_emit_op_reg(emitter, EBPF_ALU64 | BPF_ADD, pointer, reg);
		dp_emit_load(emitter, dp_bpf_size(expr->size), reg, pointer, expr->k);
		to_host_order(emitter, expr->size, reg);
		dp_emit_op_reg(emitter, BPF_ALU | EBPF_MOV, reg, reg);
		return;
	}
	default:
		break;
	}
	value_at(emitter, expr->a, depth);
	if (dp_expr_is_const(&emitter->dag->exprs, expr->b)) {
		dp_emit_binary_const(emitter, expr, reg, emitter->dag->exprs.exprs[expr->b].k);
		return;
	}
	value_at(emitter, expr->b, depth + 1);
	dp_emit_binary(emitter, expr, reg, register_at(depth + 1));
}

static void
fast_value(struct dp_emitter *emitter, dp_expr_id id)
{
	value_at(emitter, id, 0);
}

static void
fast_difference(struct dp_emitter *emitter, dp_expr_id a, dp_expr_id b, uint32_t k)
{
	value_at(emitter, b, 0);
	value_at(emitter, a, 1);
	if (k != 0)
		dp_emit_op_imm(emitter, EBPF_ALU64 | BPF_ADD, register_at(1), k);
	dp_emit_op_reg(emitter, EBPF_ALU64 | BPF_SUB, register_at(0), register_at(1));
}

const struct dp_value_access dp_fast_access = {
	.scratch = fast_scratch,
	.prologue = fast_prologue,
	.value = fast_value,
	.difference = fast_difference,
	.clear = fast_clear,
};
