/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a decision DAG into eBPF for rte_bpf. Written from the DAG, not by rte_bpf_convert(): that takes the wrong
 * index register for byte and word loads at [x + k], and rte_bpf's x86 JIT emits garbage for `jset` with a small
 * constant, so no such instruction is made here.
 */
#ifndef DP_FILTER_EMIT_H
#define DP_FILTER_EMIT_H

#include <rte_bpf.h>

#include "filter_dag.h"

struct dp_error;

/* The verifier's work and the jumps' reach bound it; 16,384 instructions are some 2,000 hosts. */
#define DP_FILTER_MAX_INSNS 16384

struct dp_filter_code {
	struct ebpf_insn *insns;
	uint32_t n;
};

/*
 * The program takes an mbuf and returns the answer of the leaf it reached. Returns 0, or -1 with *error; errnum
 * E2BIG when there are too many instructions. Each `variation` is the same program with its instructions in slightly
 * different places, for a JIT that gets some wrong.
 */
int dp_filter_emit(struct dp_filter_code *code, const struct dp_filter_dag *dag, unsigned variation,
		   struct dp_error *error);
void dp_filter_code_free(struct dp_filter_code *code);

/* How rte_bpf is to see the argument of both programs. */
struct rte_bpf_arg dp_filter_argument(void);

#endif
