/* SPDX-License-Identifier: Apache-2.0 */
#include "rule_coverage.h"

#include <stdbool.h>

/* libFuzzer takes what lies in this section for counters. One for each instruction, twice for a jump that is taken. */
static uint8_t counters[1 << 14] __attribute__((section("__libfuzzer_extra_counters"), used));

struct machine {
	const uint8_t *frame;
	uint32_t length;
	uint32_t a, x, memory[BPF_MEMWORDS];
	bool ended;
};

static uint32_t
load(struct machine *m, uint64_t at, unsigned size)
{
	uint32_t value = 0;
	if (at + size > m->length) {
		m->ended = true;
		return 0;
	}
	for (unsigned i = 0; i < size; i++)
		value = value << 8 | m->frame[at + i];
	return value;
}

static uint32_t
loaded(struct machine *m, const struct bpf_insn *insn)
{
	unsigned size = BPF_SIZE(insn->code) == BPF_W ? 4 : BPF_SIZE(insn->code) == BPF_H ? 2 : 1;
	switch (BPF_MODE(insn->code)) {
	case BPF_ABS:
		return load(m, insn->k, size);
	case BPF_IND:
		return load(m, (uint64_t)m->x + insn->k, size);
	case BPF_MSH:
		return (load(m, insn->k, 1) & 0xf) * 4;
	case BPF_MEM:
		return insn->k < BPF_MEMWORDS ? m->memory[insn->k] : 0;
	case BPF_LEN:
		return m->length;
	default:
		return insn->k;
	}
}

static uint32_t
computed(struct machine *m, const struct bpf_insn *insn)
{
	uint32_t by = BPF_SRC(insn->code) == BPF_X ? m->x : insn->k;
	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		return m->a + by;
	case BPF_SUB:
		return m->a - by;
	case BPF_MUL:
		return m->a * by;
	case BPF_OR:
		return m->a | by;
	case BPF_AND:
		return m->a & by;
	case BPF_XOR:
		return m->a ^ by;
	case BPF_LSH:
		return by < 32 ? m->a << by : 0;
	case BPF_RSH:
		return by < 32 ? m->a >> by : 0;
	case BPF_NEG:
		return 0 - m->a;
	default: /* division */
		m->ended = by == 0;
		return by == 0 ? 0 : BPF_OP(insn->code) == BPF_DIV ? m->a / by : m->a % by;
	}
}

static bool
holds(const struct machine *m, const struct bpf_insn *insn)
{
	uint32_t with = BPF_SRC(insn->code) == BPF_X ? m->x : insn->k;
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return m->a == with;
	case BPF_JGT:
		return m->a > with;
	case BPF_JGE:
		return m->a >= with;
	default:
		return (m->a & with) != 0;
	}
}

/* Does one instruction; returns how many to skip. */
static uint32_t
step(struct machine *m, const struct bpf_insn *insn, bool *taken)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		m->a = loaded(m, insn);
		return 0;
	case BPF_LDX:
		m->x = loaded(m, insn);
		return 0;
	case BPF_ST:
	case BPF_STX:
		if (insn->k < BPF_MEMWORDS)
			m->memory[insn->k] = BPF_CLASS(insn->code) == BPF_ST ? m->a : m->x;
		return 0;
	case BPF_ALU:
		m->a = computed(m, insn);
		return 0;
	case BPF_JMP:
		if (BPF_OP(insn->code) == BPF_JA)
			return insn->k;
		*taken = holds(m, insn);
		return *taken ? insn->jt : insn->jf;
	case BPF_MISC:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
		return 0;
	default: /* BPF_RET */
		m->ended = true;
		return 0;
	}
}

static void
walk(const struct bpf_program *program, struct machine m, unsigned base)
{
	for (uint32_t pc = 0; pc < program->bf_len && !m.ended; pc++) {
		bool taken = false;
		uint32_t skip = step(&m, &program->bf_insns[pc], &taken);
		counters[(base + 2 * pc + taken) % sizeof(counters)] = 1;
		pc += skip;
	}
}

void
rule_coverage_walk(const struct dp_filter_source *source, const uint8_t *frame, uint32_t length)
{
	unsigned base = 0;
	for (unsigned i = 0; i < source->n; i++) {
		walk(&source->programs[i].classic, (struct machine){.frame = frame, .length = length}, base);
		base += 2 * source->programs[i].classic.bf_len;
	}
}
