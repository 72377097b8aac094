/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What filter_emit.c (layout, tests, jumps) and the two ways to get at values share.
 *
 * All of it keeps one rule for the sake of rte_bpf's verifier, which walks every path and skips one only where all
 * registers and stack slots are, to the byte, as on an earlier visit, and which has room to remember one visit per
 * jump. So at each jump R0 is as the test at hand made it, whatever was before (its last arithmetic is 32 bits wide:
 * loads do not reset the width that the verifier notes), and everything else a test used is a copy of the mbuf's
 * pointer again (a `mov` of a constant would copy bytes that the verifier never set). Without that, loading a list of
 * 64 rules does not end.
 */
#ifndef DP_FILTER_EMIT_INTERNAL_H
#define DP_FILTER_EMIT_INTERNAL_H

#include "filter_emit.h"

struct dp_jump {
	uint32_t insn;
	uint32_t node;
};

struct dp_emitter {
	const struct dp_filter_dag *dag;
	struct ebpf_insn *insns;
	uint32_t n;
	struct dp_jump *jumps;
	uint32_t n_jumps;
	unsigned scratch; /* most scratch places any test uses */
	bool full;
};

/* How one of the two variants gets at values. Results are 32 bits wide, zero-extended, in R0. */
struct dp_value_access {
	/* Scratch places a test needs, or -1 when the test cannot be made. */
	int (*scratch)(const struct dp_filter_dag *dag, const struct dp_test *test);
	void (*prologue)(struct dp_emitter *emitter);
	void (*value)(struct dp_emitter *emitter, dp_expr_id id);
	/* R0 = b - a - k, 64 bits wide and signed. */
	void (*difference)(struct dp_emitter *emitter, dp_expr_id a, dp_expr_id b, uint32_t k);
	void (*clear)(struct dp_emitter *emitter, unsigned scratch);
};

extern const struct dp_value_access dp_fast_access;
extern const struct dp_value_access dp_exact_access;

void dp_emit(struct dp_emitter *emitter, struct ebpf_insn insn);

static inline void
dp_emit_op_imm(struct dp_emitter *emitter, uint8_t code, uint8_t reg, uint32_t imm)
{
	dp_emit(emitter, (struct ebpf_insn){.code = code | BPF_K, .dst_reg = reg & 15, .imm = (int32_t)imm});
}

static inline void
dp_emit_op_reg(struct dp_emitter *emitter, uint8_t code, uint8_t reg, uint8_t from)
{
	dp_emit(emitter, (struct ebpf_insn){.code = code | BPF_X, .dst_reg = reg & 15, .src_reg = from & 15});
}

static inline void
dp_emit_load(struct dp_emitter *emitter, uint8_t size, uint8_t reg, uint8_t base, uint32_t offset)
{
	uint8_t code = (uint8_t)(BPF_LDX | BPF_MEM | size);
	dp_emit(emitter,
		(struct ebpf_insn){.code = code, .dst_reg = reg & 15, .src_reg = base & 15, .off = (int16_t)offset});
}

/* reg = reg op constant or reg op from, 32 bits. */
void dp_emit_binary_const(struct dp_emitter *emitter, const struct dp_expr *expr, uint8_t reg, uint32_t constant);
void dp_emit_binary(struct dp_emitter *emitter, const struct dp_expr *expr, uint8_t reg, uint8_t from);

static inline uint8_t
dp_bpf_size(uint8_t size)
{
	return size == 4 ? BPF_W : size == 2 ? BPF_H : BPF_B;
}

#endif
