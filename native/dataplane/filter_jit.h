/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_FILTER_JIT_H
#define DP_FILTER_JIT_H

#include <stddef.h>
#include <stdint.h>

#include <rte_bpf.h>

enum dp_jit_verdict {
	DP_JIT_SOUND,
	DP_JIT_UNSOUND, /* a jump does not lead where the program says */
	DP_JIT_UNKNOWN, /* code that is not understood here */
};

/*
 * Whether the machine code jumps where the program does.
 *
 * rte_bpf's x86 JIT (22.11 to 26.07 at least) goes over a program until its size no longer changes and then takes the
 * places of that round for granted. But one jump may become longer in the round in which another becomes shorter; then
 * code has moved while the size has not, and jumps end up between instructions. It takes some hundred instructions
 * and bad luck: one list in sixty of those that the test makes.
 */
enum dp_jit_verdict dp_filter_jit_check(const struct ebpf_insn *insns, uint32_t n, const struct rte_bpf_jit *jit);

#endif
