/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the exact program, by LD_ABS and LD_IND, which find their way through segments: R6 the mbuf, as these
 * two demand, R7 the frame's length, intermediate results on the stack since every load clobbers R1 to R5. A load
 * beyond the frame would end the whole program: the DAG tests the length before.
 */
#include <rte_mbuf_core.h>

#include "filter_emit_internal.h"

#define MBUF EBPF_REG_6
#define LENGTH EBPF_REG_7
#define OTHER EBPF_REG_8
#define MAX_SLOTS 48

static int
slots_of(const struct dp_filter_dag *dag, dp_expr_id id)
{
	const struct dp_expr *expr = &dag->exprs.exprs[id];
	if (expr->op <= DP_EXPR_LOAD)
		return 0;
	int a = slots_of(dag, expr->a);
	if (expr->op == DP_EXPR_LOAD_VAR || dp_expr_is_const(&dag->exprs, expr->b))
		return a;
	int b = 1 + slots_of(dag, expr->b);
	return a > b ? a : b;
}

static int
exact_scratch(const struct dp_filter_dag *dag, const struct dp_test *test)
{
	int slots = slots_of(dag, test->a);
	if (test->kind == DP_TEST_INSIDE || test->kind == DP_TEST_ABOVE_X) {
		int limit = 1 + slots_of(dag, test->b);
		slots = slots > limit ? slots : limit;
	}
	return slots <= MAX_SLOTS ? slots : -1;
}

static int16_t
slot(unsigned depth)
{
	return (int16_t)(-8 * (int)(depth + 1));
}

static void
store(struct dp_emitter *emitter, unsigned depth, uint8_t reg)
{
	dp_emit(emitter, (struct ebpf_insn){.code = BPF_STX | BPF_MEM | EBPF_DW,
					    .dst_reg = EBPF_REG_10,
					    .src_reg = reg & 15,
					    .off = slot(depth)});
}

static void
exact_clear(struct dp_emitter *emitter, unsigned scratch)
{
	for (unsigned i = 0; i < scratch; i++)
		store(emitter, i, MBUF);
	if (scratch > 0)
		dp_emit_op_reg(emitter, EBPF_ALU64 | EBPF_MOV, OTHER, MBUF);
}

/* The first load is for the verifier: it takes R1 to R5 away, which otherwise would depend on the path. */
static void
exact_prologue(struct dp_emitter *emitter)
{
	dp_emit_op_reg(emitter, EBPF_ALU64 | EBPF_MOV, MBUF, EBPF_REG_1);
	dp_emit_load(emitter, BPF_W, LENGTH, MBUF, offsetof(struct rte_mbuf, pkt_len));
	exact_clear(emitter, emitter->scratch);
	dp_emit(emitter, (struct ebpf_insn){.code = BPF_LD | BPF_ABS | BPF_B});
}

static void
save(struct dp_emitter *emitter, unsigned depth)
{
	store(emitter, depth, EBPF_REG_0);
}

/* R0 goes to the other register, what was saved comes back to R0. */
static void
restore(struct dp_emitter *emitter, unsigned depth)
{
	dp_emit_op_reg(emitter, EBPF_ALU64 | EBPF_MOV, OTHER, EBPF_REG_0);
	dp_emit_load(emitter, EBPF_DW, EBPF_REG_0, EBPF_REG_10, (uint32_t)slot(depth));
}

static void
value_at(struct dp_emitter *emitter, dp_expr_id id, unsigned depth)
{
	const struct dp_expr *expr = &emitter->dag->exprs.exprs[id];
	uint8_t size = dp_bpf_size(expr->size);
	switch (expr->op) {
	case DP_EXPR_CONST:
		dp_emit_op_reg(emitter, EBPF_ALU64 | EBPF_MOV, EBPF_REG_0, LENGTH);
		dp_emit_op_imm(emitter, BPF_ALU | BPF_AND, EBPF_REG_0, 0);
		dp_emit_op_imm(emitter, BPF_ALU | BPF_OR, EBPF_REG_0, expr->k);
		return;
	case DP_EXPR_LENGTH:
	case DP_EXPR_SEGMENT:
		dp_emit_op_reg(emitter, EBPF_ALU64 | EBPF_MOV, EBPF_REG_0, LENGTH);
		return;
	case DP_EXPR_LOAD:
		dp_emit(emitter, (struct ebpf_insn){.code = BPF_LD | BPF_ABS | size, .imm = (int32_t)expr->k});
		return;
	case DP_EXPR_LOAD_VAR:
		value_at(emitter, expr->a, depth);
		dp_emit_op_imm(emitter, EBPF_ALU64 | BPF_AND, EBPF_REG_0, INT32_MAX); /* for the verifier */
		dp_emit(emitter, (struct ebpf_insn){.code = BPF_LD | BPF_IND | size,
						    .src_reg = EBPF_REG_0,
						    .imm = (int32_t)expr->k});
		return;
	default:
		break;
	}
	value_at(emitter, expr->a, depth);
	if (dp_expr_is_const(&emitter->dag->exprs, expr->b)) {
		dp_emit_binary_const(emitter, expr, EBPF_REG_0, emitter->dag->exprs.exprs[expr->b].k);
		return;
	}
	save(emitter, depth);
	value_at(emitter, expr->b, depth + 1);
	restore(emitter, depth);
	dp_emit_binary(emitter, expr, EBPF_REG_0, OTHER);
}

static void
exact_value(struct dp_emitter *emitter, dp_expr_id id)
{
	value_at(emitter, id, 0);
}

static void
exact_difference(struct dp_emitter *emitter, dp_expr_id a, dp_expr_id b, uint32_t k)
{
	value_at(emitter, a, 0);
	if (k != 0)
		dp_emit_op_imm(emitter, EBPF_ALU64 | BPF_ADD, EBPF_REG_0, k);
	save(emitter, 0);
	value_at(emitter, b, 1);
	restore(emitter, 0); /* R0 = a + k, the other = b */
	dp_emit_op_reg(emitter, EBPF_ALU64 | BPF_SUB, OTHER, EBPF_REG_0);
	dp_emit_op_reg(emitter, EBPF_ALU64 | EBPF_MOV, EBPF_REG_0, OTHER);
}

const struct dp_value_access dp_exact_access = {
	.scratch = exact_scratch,
	.prologue = exact_prologue,
	.value = exact_value,
	.difference = exact_difference,
	.clear = exact_clear,
};
