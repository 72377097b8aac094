/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks program and machine code side by side. How many machine instructions each eBPF instruction becomes is known,
 * how long they are is read from the code. Anything unexpected on the way means that the code is not understood.
 */
#include "filter_jit.h"

#include <stdbool.h>
#include <stdlib.h>

#if defined(RTE_ARCH_X86_64)

enum { RAX = 0, RCX = 1, RDX = 2, RBP = 5, RSI = 6 };

static const uint8_t x86_register[] = {RAX, 7, RSI, RDX, RCX, 8, 3, 13, 14, 15, RBP};

struct jump {
	uint32_t to; /* eBPF instruction, or EPILOGUE */
	int64_t lands;
};

#define EPILOGUE UINT32_MAX

struct walk {
	const uint8_t *code;
	size_t size;
	size_t at;
	unsigned saved; /* registers that the prologue saves */
	bool frame;	/* RBP among them */
	int64_t epilogue;
	int64_t *place; /* [eBPF instruction] */
	struct jump *jumps;
	uint32_t n_jumps;
	bool lost;
};

/* One machine instruction, as far as it matters. */
struct native {
	size_t length;
	bool jumps;
	int64_t lands;
	uint8_t opcode;
	uint8_t modrm;
};

static int64_t
read_displacement(const uint8_t *bytes, unsigned size)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)bytes[i] << 8 * i;
	return size == 1 ? (int8_t)value : (int32_t)value;
}

/* Bytes of ModRM, SIB and displacement. */
static unsigned
operand_length(uint8_t modrm)
{
	unsigned mod = modrm >> 6;
	unsigned sib = mod != 3 && (modrm & 7) == 4;
	return 1 + sib + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

/* Length of what follows an opcode of one byte, or 0 when it is none that the JIT uses here. */
static unsigned
tail_length(uint8_t opcode, uint8_t modrm, bool wide)
{
	switch (opcode) {
	case 0x01: /* add, or, and, sub, xor, cmp, test, xchg, mov */
	case 0x09:
	case 0x21:
	case 0x29:
	case 0x31:
	case 0x39:
	case 0x85:
	case 0x87:
	case 0x89:
	case 0x8b:
	case 0xd3: /* shift by cl */
	case 0xf7: /* mul, div */
	case 0xff: /* call */
		return operand_length(modrm);
	case 0x83:
	case 0xc1:
		return operand_length(modrm) + 1;
	case 0x81:
	case 0xc7:
		return operand_length(modrm) + 4;
	default:
		if (opcode >= 0xb8 && opcode <= 0xbf)
			return wide ? 8 : 4;
		return 0;
	}
}

static unsigned
jump_size(uint8_t opcode)
{
	if (opcode == 0xeb || (opcode >= 0x70 && opcode <= 0x7f))
		return 1;
	return opcode == 0xe9 ? 4 : 0;
}

/* The next machine instruction; the walk is lost when it is not one of the JIT's. */
static struct native
next_native(struct walk *walk)
{
	struct native native = {0};
	uint8_t bytes[16] = {0};
	size_t left = walk->size - walk->at;
	for (size_t i = 0; i < sizeof(bytes) && i < left; i++)
		bytes[i] = walk->code[walk->at + i];
	size_t at = bytes[0] == 0x66;
	bool wide = (bytes[at] & 0xf8) == 0x48;
	at += (bytes[at] & 0xf0) == 0x40;
	uint8_t opcode = bytes[at++];
	unsigned displacement = jump_size(opcode);
	if (opcode == 0x0f) {
		opcode = bytes[at++];
		displacement = opcode >= 0x80 && opcode <= 0x8f ? 4 : 0;
		bool takes_operand = opcode == 0xb6 || opcode == 0xb7 || (opcode >= 0x40 && opcode <= 0x4f);
		if (takes_operand)
			at += operand_length(bytes[at]);
		else if (displacement == 0 && (opcode & 0xf8) != 0xc8) /* bswap */
			walk->lost = true;
	} else if (displacement == 0 && opcode != 0xc3) {
		unsigned tail = tail_length(opcode, bytes[at], wide);
		native.modrm = bytes[at];
		walk->lost |= tail == 0;
		at += tail;
	}
	native.opcode = opcode;
	native.jumps = displacement > 0;
	native.length = at + displacement;
	if (native.length > left) {
		walk->lost = true;
		native.length = left;
	} else if (native.jumps) {
		native.lands = (int64_t)(walk->at + native.length) + read_displacement(&bytes[at], displacement);
	}
	walk->at += native.length;
	return native;
}

/* `n` instructions that do not jump. */
static void
pass(struct walk *walk, unsigned n)
{
	while (n-- > 0 && !walk->lost)
		walk->lost |= next_native(walk).jumps;
}

static void
pass_jump(struct walk *walk, uint32_t to)
{
	struct native native = next_native(walk);
	walk->lost |= !native.jumps;
	if (!walk->lost)
		walk->jumps[walk->n_jumps++] = (struct jump){.to = to, .lands = native.lands};
}

/* A jump within what one eBPF instruction became: its places are all of the same round. */
static void
pass_local_jump(struct walk *walk)
{
	walk->lost |= !next_native(walk).jumps;
}

/* sub rsp; a store for each register; then perhaps mov rbp, rsp and sub rsp. Or nothing at all. */
static void
pass_prologue(struct walk *walk)
{
	if (walk->size < 4 || walk->code[0] != 0x48 || walk->code[1] != 0x83 || walk->code[2] != 0xec)
		return;
	walk->saved = walk->code[3] / 8;
	pass(walk, 1);
	for (unsigned i = 0; i < walk->saved && !walk->lost; i++) {
		bool extended = (walk->code[walk->at] & 0x04) != 0;
		struct native store = next_native(walk);
		walk->lost |= store.opcode != 0x89 || (store.modrm & 7) != 4;
		walk->frame |= !extended && (store.modrm >> 3 & 7) == RBP;
	}
	if (walk->frame)
		pass(walk, 2);
}

static void
pass_exit(struct walk *walk)
{
	if (walk->epilogue >= 0) {
		pass_jump(walk, EPILOGUE);
		return;
	}
	walk->epilogue = (int64_t)walk->at;
	if (walk->saved > 0)
		pass(walk, walk->frame + walk->saved + 1);
	walk->lost |= next_native(walk).opcode != 0xc3;
}

static void
pass_packet_load(struct walk *walk, const struct ebpf_insn *insn)
{
	bool indexed = BPF_MODE(insn->code) == BPF_IND && x86_register[insn->src_reg] != RSI;
	pass(walk, indexed ? 2 : 1); /* the offset */
	pass(walk, 3);		     /* data_len, sub, cmp */
	pass_local_jump(walk);	     /* beyond the first segment */
	pass(walk, 4);
	pass_local_jump(walk);
	pass(walk, 7); /* __rte_pktmbuf_read() */
	pass_jump(walk, EPILOGUE);
	pass(walk, BPF_SIZE(insn->code) == BPF_H ? 3 : BPF_SIZE(insn->code) == BPF_W ? 2 : 1);
}

static void
pass_multiply(struct walk *walk, const struct ebpf_insn *insn)
{
	uint8_t to = x86_register[insn->dst_reg];
	bool from_rdx = BPF_SRC(insn->code) == BPF_X && x86_register[insn->src_reg] == RDX;
	pass(walk, 2 + (to != RAX) + !from_rdx + 1 + (to != RDX) + (to != RAX ? 2 : 0));
}

static void
pass_divide(struct walk *walk, const struct ebpf_insn *insn)
{
	uint8_t to = x86_register[insn->dst_reg];
	bool by_register = BPF_SRC(insn->code) == BPF_X;
	uint8_t result = BPF_OP(insn->code) == BPF_DIV ? RAX : RDX;
	if (by_register) {
		pass(walk, 2);
		pass_jump(walk, EPILOGUE);
	}
	unsigned spared = (to != RAX) + (to != RDX); /* saved before, restored after */
	pass(walk, spared + (to != RAX) + 1 + !by_register + 1 + (to != result) + spared);
}

static void
pass_shift_by_register(struct walk *walk, const struct ebpf_insn *insn)
{
	pass(walk, x86_register[insn->src_reg] == RCX ? 1 : 3);
}

static void
pass_alu(struct walk *walk, const struct ebpf_insn *insn)
{
	bool by_register = BPF_SRC(insn->code) == BPF_X;
	switch (BPF_OP(insn->code)) {
	case BPF_MUL:
		pass_multiply(walk, insn);
		return;
	case BPF_DIV:
	case BPF_MOD:
		pass_divide(walk, insn);
		return;
	case BPF_LSH:
	case BPF_RSH:
		if (by_register)
			pass_shift_by_register(walk, insn);
		else
			pass(walk, 1);
		return;
	case EBPF_END:
		pass(walk, insn->imm == 16 ? 2 : 1);
		return;
	default:
		pass(walk, 1);
	}
}

static void
pass_insn(struct walk *walk, const struct ebpf_insn *insn, uint32_t pc)
{
	uint32_t target = pc + 1 + (uint32_t)insn->off;
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case EBPF_ALU64:
		pass_alu(walk, insn);
		return;
	case BPF_LD:
		pass_packet_load(walk, insn);
		return;
	case BPF_JMP:
		break;
	default: /* BPF_LDX, BPF_ST, BPF_STX */
		pass(walk, 1);
		return;
	}
	if (BPF_OP(insn->code) == EBPF_EXIT) {
		pass_exit(walk);
		return;
	}
	if (BPF_OP(insn->code) != BPF_JA)
		pass(walk, 1);
	pass_jump(walk, target);
}

static enum dp_jit_verdict
judge(const struct walk *walk)
{
	if (walk->lost || walk->at != walk->size)
		return DP_JIT_UNKNOWN;
	for (uint32_t i = 0; i < walk->n_jumps; i++) {
		const struct jump *jump = &walk->jumps[i];
		if (jump->lands != (jump->to == EPILOGUE ? walk->epilogue : walk->place[jump->to]))
			return DP_JIT_UNSOUND;
	}
	return DP_JIT_SOUND;
}

enum dp_jit_verdict
dp_filter_jit_check(const struct ebpf_insn *insns, uint32_t n, const struct rte_bpf_jit *jit)
{
	struct walk walk = {.size = jit->sz, .epilogue = -1};
	/* A function pointer cannot be cast to a data pointer in ISO C; POSIX has it so. */
	walk.code = (const uint8_t *)(uintptr_t)jit->func;
	walk.place = calloc(n, sizeof(*walk.place));
	walk.jumps = calloc(n, sizeof(*walk.jumps));
	enum dp_jit_verdict verdict = DP_JIT_UNKNOWN;
	if (walk.place != NULL && walk.jumps != NULL) {
		pass_prologue(&walk);
		for (uint32_t pc = 0; pc < n && !walk.lost; pc++) {
			walk.place[pc] = (int64_t)walk.at;
			pass_insn(&walk, &insns[pc], pc);
		}
		verdict = judge(&walk);
	}
	free(walk.place);
	free(walk.jumps);
	return verdict;
}

#else

/* The JIT for arm64 makes instructions of one size, so its jumps cannot go astray like this. */
enum dp_jit_verdict
dp_filter_jit_check(const struct ebpf_insn *insns, uint32_t n, const struct rte_bpf_jit *jit)
{
	(void)insns;
	(void)n;
	(void)jit;
	return DP_JIT_SOUND;
}

#endif
