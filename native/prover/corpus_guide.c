/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a classic BPF program on a frame, and where a jump depends on bytes just loaded, writes these bytes so that it
 * goes where chance wants it to. Without this, frames that match `host 10.1.2.3 and tcp port 22` would be rare.
 */
#include "corpus_internal.h"

struct guide {
	struct dp_corpus *corpus;
	uint8_t *frame;
	uint32_t length;
	uint32_t a;
	uint32_t x;
	uint32_t mem[16];
	bool loaded; /* A is `size` bytes at `offset`, of which the bits of `mask` are left */
	uint32_t offset;
	uint32_t size;
	uint32_t mask;
};

static uint32_t
read_bytes(const struct guide *guide, uint32_t offset, uint32_t size)
{
	uint32_t value = 0;
	for (uint32_t i = 0; i < size; i++)
		value = value << 8 | guide->frame[offset + i];
	return value;
}

/* Lengthens the frame if chance wants it to. False when the load fails. */
static bool
reach(struct guide *guide, uint64_t end)
{
	if (end <= guide->length)
		return true;
	if (end > DP_CORPUS_MAX_BYTES || !chance(guide->corpus, 70))
		return false;
	while (guide->length < end)
		guide->frame[guide->length++] = (uint8_t)dp_corpus_random(guide->corpus);
	return true;
}

static bool
load(struct guide *guide, const struct bpf_insn *insn)
{
	uint32_t size = BPF_SIZE(insn->code) == BPF_W ? 4 : BPF_SIZE(insn->code) == BPF_H ? 2 : 1;
	uint64_t offset = (uint64_t)insn->k + (BPF_MODE(insn->code) == BPF_IND ? guide->x : 0);
	if (!reach(guide, offset + size))
		return false;
	guide->loaded = true;
	guide->offset = (uint32_t)offset;
	guide->size = size;
	guide->mask = size == 4 ? UINT32_MAX : (1u << size * 8) - 1;
	guide->a = read_bytes(guide, guide->offset, size);
	return true;
}

static void
poke(struct guide *guide, uint32_t value)
{
	uint32_t old = read_bytes(guide, guide->offset, guide->size);
	value = (old & ~guide->mask) | (value & guide->mask);
	for (uint32_t i = 0; i < guide->size; i++)
		guide->frame[guide->offset + i] = (uint8_t)(value >> 8 * (guide->size - 1 - i));
	guide->a = value & guide->mask;
}

static bool
holds(uint16_t code, uint32_t a, uint32_t b)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default:
		return (a & b) != 0;
	}
}

/* A value for which the comparison comes out as wanted; at the very border as often as not. */
static uint32_t
wanted_value(struct guide *guide, uint16_t code, uint32_t k, bool wanted)
{
	uint32_t near = chance(guide->corpus, 60) ? 0 : dp_corpus_below(guide->corpus, 100);
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return wanted ? k : k ^ (1u << dp_corpus_below(guide->corpus, 8 * guide->size));
	case BPF_JGT:
		return wanted ? k + 1 + near : k - near;
	case BPF_JGE:
		return wanted ? k + near : k - 1 - near;
	default:
		return wanted ? guide->a | k : guide->a & ~k;
	}
}

static uint32_t
jump(struct guide *guide, const struct bpf_insn *insn)
{
	if (BPF_OP(insn->code) == BPF_JA)
		return insn->k;
	uint32_t k = BPF_SRC(insn->code) == BPF_X ? guide->x : insn->k;
	if (guide->loaded && chance(guide->corpus, 80)) {
		bool wanted = chance(guide->corpus, 65);
		if (holds(insn->code, guide->a, k) != wanted || chance(guide->corpus, 20))
			poke(guide, wanted_value(guide, insn->code, k, wanted));
	}
	return holds(insn->code, guide->a, k) ? insn->jt : insn->jf;
}

/* The arithmetic need not be libpcap's to the letter: this makes frames, it does not judge them. */
static bool
compute(struct guide *guide, const struct bpf_insn *insn)
{
	uint32_t b = BPF_SRC(insn->code) == BPF_X ? guide->x : insn->k;
	if (BPF_OP(insn->code) == BPF_AND && BPF_SRC(insn->code) == BPF_K)
		guide->mask &= b;
	else
		guide->loaded = false;
	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		guide->a += b;
		return true;
	case BPF_SUB:
		guide->a -= b;
		return true;
	case BPF_MUL:
		guide->a *= b;
		return true;
	case BPF_DIV:
		guide->a = b == 0 ? 0 : guide->a / b;
		return b != 0;
	case BPF_MOD:
		guide->a = b == 0 ? 0 : guide->a % b;
		return b != 0;
	case BPF_AND:
		guide->a &= b;
		return true;
	case BPF_OR:
		guide->a |= b;
		return true;
	case BPF_XOR:
		guide->a ^= b;
		return true;
	case BPF_LSH:
		guide->a = b < 32 ? guide->a << b : 0;
		return true;
	case BPF_RSH:
		guide->a = b < 32 ? guide->a >> b : 0;
		return true;
	default:
		guide->a = 0u - guide->a;
		return true;
	}
}

static bool
load_index(struct guide *guide, const struct bpf_insn *insn)
{
	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		guide->x = insn->k;
		return true;
	case BPF_LEN:
		guide->x = guide->length;
		return true;
	case BPF_MEM:
		guide->x = guide->mem[insn->k & 15];
		return true;
	default:
		if (!reach(guide, (uint64_t)insn->k + 1))
			return false;
		guide->x = 4u * (guide->frame[insn->k] & 0xf);
		return true;
	}
}

static bool
load_accumulator(struct guide *guide, const struct bpf_insn *insn)
{
	guide->loaded = false;
	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		guide->a = insn->k;
		return true;
	case BPF_LEN:
		guide->a = guide->length;
		return true;
	case BPF_MEM:
		guide->a = guide->mem[insn->k & 15];
		return true;
	default:
		return load(guide, insn);
	}
}

static bool
step(struct guide *guide, const struct bpf_insn *insn, uint32_t *skip)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return load_accumulator(guide, insn);
	case BPF_LDX:
		return load_index(guide, insn);
	case BPF_ST:
		guide->mem[insn->k & 15] = guide->a;
		return true;
	case BPF_STX:
		guide->mem[insn->k & 15] = guide->x;
		return true;
	case BPF_ALU:
		return compute(guide, insn);
	case BPF_JMP:
		*skip = jump(guide, insn);
		return true;
	case BPF_RET:
		return false;
	default:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			guide->x = guide->a;
		else
			guide->a = guide->x;
		guide->loaded = guide->loaded && BPF_MISCOP(insn->code) == BPF_TAX;
		return true;
	}
}

uint32_t
dp_corpus_guide(struct dp_corpus *corpus, const struct bpf_program *program, uint8_t *frame, uint32_t length)
{
	struct guide guide = {.corpus = corpus, .frame = frame, .length = length};
	for (uint32_t pc = 0; pc < program->bf_len;) {
		uint32_t skip = 0;
		if (!step(&guide, &program->bf_insns[pc], &skip))
			break;
		pc += 1 + skip;
	}
	return guide.length;
}
