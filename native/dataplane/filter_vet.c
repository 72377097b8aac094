/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_vet.h"

#define LOAD(size, offset) BPF_STMT(BPF_LD | BPF_##size | BPF_ABS, offset)
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

/* What follows an ether type at `at`. Instruction 23 is "look closer", 24 the next level behind a VLAN tag. */
#define LEVEL(at)                                                                                   \
	LOAD(H, at),			/* 0 */                                                     \
		EQUAL(0x0800, 5, 0),	/* 1: IPv4 -> 7 */                                          \
		EQUAL(0x86dd, 6, 0),	/* 2: IPv6 -> 9 */                                          \
		EQUAL(0x8100, 20, 0),	/* 3: VLAN tags -> 24 */                                    \
		EQUAL(0x88a8, 19, 0),	/* 4 */                                                     \
		EQUAL(0x9100, 18, 0),	/* 5 */                                                     \
		RETURN(0),		/* 6 */                                                     \
		LOAD(B, (at) + 2),	/* 7: version 4, no options: 20 bytes, within the window */ \
		EQUAL(0x45, 13, 14),	/* 8 -> 22, 23 */                                           \
		LOAD(B, (at) + 2 + 39), /* 9: the last byte of the IPv6 header is there */          \
		LOAD(B, (at) + 2 + 6),	/* 10: next header */                                       \
		EQUAL(17, 10, 0),	/* 11: UDP, TCP, ICMPv6 -> 22 */                            \
		EQUAL(6, 9, 0),		/* 12 */                                                    \
		EQUAL(58, 8, 0),	/* 13 */                                                    \
		EQUAL(0, 8, 0),		/* 14: extension headers -> 23 */                           \
		EQUAL(43, 7, 0),	/* 15 */                                                    \
		EQUAL(44, 6, 0),	/* 16 */                                                    \
		EQUAL(51, 5, 0),	/* 17 */                                                    \
		EQUAL(60, 4, 0),	/* 18 */                                                    \
		EQUAL(135, 3, 0),	/* 19 */                                                    \
		EQUAL(139, 2, 0),	/* 20 */                                                    \
		EQUAL(140, 1, 0),	/* 21 */                                                    \
		RETURN(0),		/* 22 */                                                    \
		RETURN(1)		/* 23 */

/* The third tag, if there is one, ends in the last instruction. */
static struct bpf_insn vet[] = {LEVEL(12), LEVEL(16), LEVEL(20), RETURN(1)};

struct bpf_program
dp_filter_vet_program(void)
{
	return (struct bpf_program){.bf_len = sizeof(vet) / sizeof(vet[0]), .bf_insns = vet};
}
