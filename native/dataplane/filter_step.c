/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a classic BPF program symbolically, with the meaning that libpcap's bpf_filter() gives it. */
#include <stdlib.h>
#include <string.h>

#include "filter_fuse_internal.h"

#define MAX_EXPR_WEIGHT 256

static void
enter_program(const struct dp_fuser *fuser, struct dp_state *state, unsigned program)
{
	*state = (struct dp_state){.program = (uint16_t)program};
	if (program == fuser->n_programs) /* cannot happen: the last program matches everything */
		state->program = DP_STATE_BAIL;
}

static void
bury_the_dead(const struct dp_fuser *fuser, struct dp_state *state)
{
	if (state->program >= DP_STATE_MATCH)
		return;
	const struct dp_stepped *program = &fuser->programs[state->program];
	uint32_t live = program->n == 0 ? 0 : program->live[state->pc];
	if ((live & DP_LIVE_A) == 0)
		state->a = 0;
	if ((live & DP_LIVE_X) == 0)
		state->x = 0;
	for (uint32_t k = 0; k < 16; k++)
		if ((live & DP_LIVE_M(k)) == 0)
			state->mem[k] = 0;
}

/* A long list would make too many paths if all that is known went along: then only the window does. */
static const struct dp_facts *
carry_over(struct dp_fuser *fuser, const struct dp_facts *facts)
{
	if (fuser->effort == 0)
		return facts;
	struct dp_facts_builder kept = {.n = 0};
	for (uint32_t i = 0; i < facts->n; i++) {
		const struct dp_fact *fact = &facts->facts[i];
		if (fact->kind == DP_FACT_RANGE && fuser->dag->exprs.exprs[fact->expr].op == DP_EXPR_SEGMENT)
			kept.facts[kept.n++] = *fact;
	}
	const struct dp_facts *result = dp_memo_facts(fuser->memo, &kept);
	if (result == NULL)
		fuser->too_big = true;
	return result == NULL ? facts : result;
}

static void
next_program(struct dp_fuser *fuser, struct dp_state *state, const struct dp_facts **facts)
{
	enter_program(fuser, state, state->program + 1u);
	*facts = carry_over(fuser, *facts);
}

static void
look_at(const struct dp_fuser *fuser, dp_expr_id id, struct dp_support *consulted)
{
	dp_support_add(consulted, &fuser->dag->exprs.exprs[id].support);
}

/* What a value was simplified to is looked at as well: `[x + 16]` may have become `[36]`. */
static dp_expr_id
simplified(struct dp_fuser *fuser, const struct dp_facts *facts, dp_expr_id id, struct dp_support *consulted)
{
	dp_expr_id result = dp_facts_simplify(facts, &fuser->dag->exprs, id);
	look_at(fuser, id, consulted);
	look_at(fuser, result, consulted);
	return result;
}

static enum dp_answer
decide(struct dp_fuser *fuser, const struct dp_facts *facts, struct dp_test *test, struct dp_support *consulted)
{
	look_at(fuser, test->a, consulted);
	look_at(fuser, test->b, consulted);
	enum dp_answer answer = dp_facts_decide(facts, &fuser->dag->exprs, test);
	look_at(fuser, test->a, consulted);
	look_at(fuser, test->b, consulted);
	return answer;
}

static uint8_t
load_size(uint16_t code)
{
	return BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
}

/* What must lie within the frame before the instruction may load: base + k <= limit. False: it never does. */
static bool
load_guard(struct dp_fuser *fuser, const struct dp_state *state, const struct bpf_insn *insn, struct dp_test *test)
{
	bool indexed = BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_IND;
	if (insn->k > INT16_MAX * 2u)
		return false; /* also what libpcap means by a negative offset */
	enum dp_expr_op limit = fuser->variant == DP_FILTER_FAST ? DP_EXPR_SEGMENT : DP_EXPR_LENGTH;
	*test = (struct dp_test){
		.kind = DP_TEST_INSIDE,
		.a = indexed ? state->x : dp_expr_const(&fuser->dag->exprs, 0),
		.b = dp_expr_symbol(&fuser->dag->exprs, limit),
		.k = insn->k + (BPF_CLASS(insn->code) == BPF_LDX ? 1 : load_size(insn->code)),
	};
	return true;
}

static bool
is_packet_load(uint16_t code)
{
	if (BPF_CLASS(code) == BPF_LD)
		return BPF_MODE(code) == BPF_ABS || BPF_MODE(code) == BPF_IND;
	return BPF_CLASS(code) == BPF_LDX && BPF_MODE(code) == BPF_MSH;
}

static void
load(struct dp_fuser *fuser, struct dp_state *state, const struct bpf_insn *insn)
{
	struct dp_expr_table *exprs = &fuser->dag->exprs;
	if (BPF_CLASS(insn->code) == BPF_LDX) {
		dp_expr_id low =
			dp_expr_binary(exprs, DP_EXPR_AND, dp_expr_load(exprs, 1, insn->k), dp_expr_const(exprs, 0xf));
		state->x = dp_expr_binary(exprs, DP_EXPR_SHL, low, dp_expr_const(exprs, 2));
	} else if (BPF_MODE(insn->code) == BPF_IND) {
		state->a = dp_expr_load_at(exprs, load_size(insn->code), state->x, insn->k);
	} else {
		state->a = dp_expr_load(exprs, load_size(insn->code), insn->k);
	}
}

/* Returns true when the guard is open. Otherwise the load is done, or failed. */
static bool
step_load(struct dp_fuser *fuser, struct dp_state *state, const struct bpf_insn *insn, const struct dp_facts **facts,
	  struct dp_support *consulted, struct dp_fork *fork)
{
	struct dp_test test = {0};
	enum dp_answer answer = DP_ANSWER_YES;
	if (!state->checked)
		answer = load_guard(fuser, state, insn, &test) ? decide(fuser, *facts, &test, consulted) : DP_ANSWER_NO;
	if (answer == DP_ANSWER_YES) {
		load(fuser, state, insn);
		state->pc++;
		state->checked = 0;
		return false;
	}
	bool fast = fuser->variant == DP_FILTER_FAST;
	if (answer == DP_ANSWER_NO) {
		if (fast)
			*state = (struct dp_state){.program = DP_STATE_BAIL};
		else
			next_program(fuser, state, facts);
		return false;
	}
	if (fast && test.kind == DP_TEST_ABOVE && test.k < DP_FILTER_WIRE_MIN - 1)
		test.k = DP_FILTER_WIRE_MIN - 1;
	*fork = (struct dp_fork){
		.test = test, .at = *state, .yes = *state, .no = *state, .likely = true, .yes_needs_test = true};
	fork->yes.checked = 1;
	if (fast)
		fork->no = (struct dp_state){.program = DP_STATE_BAIL};
	else
		enter_program(fuser, &fork->no, state->program + 1u);
	return true;
}

static bool
alu_op(uint16_t code, enum dp_expr_op *op)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		*op = DP_EXPR_ADD;
		return true;
	case BPF_SUB:
	case BPF_NEG:
		*op = DP_EXPR_SUB;
		return true;
	case BPF_MUL:
		*op = DP_EXPR_MUL;
		return true;
	case BPF_DIV:
		*op = DP_EXPR_DIV;
		return true;
	case BPF_MOD:
		*op = DP_EXPR_MOD;
		return true;
	case BPF_AND:
		*op = DP_EXPR_AND;
		return true;
	case BPF_OR:
		*op = DP_EXPR_OR;
		return true;
	case BPF_XOR:
		*op = DP_EXPR_XOR;
		return true;
	case BPF_LSH:
		*op = DP_EXPR_SHL;
		return true;
	case BPF_RSH:
		*op = DP_EXPR_SHR;
		return true;
	default:
		return false;
	}
}

/* Division by zero ends the program, a shift by 32 or more gives 0: returns true when that is an open question. */
static bool
guard_operand(struct dp_fuser *fuser, struct dp_state *state, enum dp_expr_op op, dp_expr_id operand,
	      const struct dp_facts **facts, struct dp_support *consulted, struct dp_fork *fork, bool *done)
{
	bool divides = op == DP_EXPR_DIV || op == DP_EXPR_MOD;
	*done = false;
	if (state->checked || (!divides && op != DP_EXPR_SHL && op != DP_EXPR_SHR))
		return false;
	struct dp_test test = {.kind = divides ? DP_TEST_EQUAL : DP_TEST_ABOVE, .a = operand, .k = divides ? 0 : 31};
	struct dp_state bad = {0};
	if (divides) {
		enter_program(fuser, &bad, state->program + 1u);
	} else {
		bad = *state;
		bad.a = dp_expr_const(&fuser->dag->exprs, 0);
		bad.pc++;
	}
	enum dp_answer answer = decide(fuser, *facts, &test, consulted);
	if (answer == DP_ANSWER_NO)
		return false;
	if (answer == DP_ANSWER_YES) {
		if (divides)
			*facts = carry_over(fuser, *facts);
		*state = bad;
		*done = true;
		return false;
	}
	*fork = (struct dp_fork){.test = test, .at = *state, .yes = bad, .no = *state, .no_needs_test = true};
	fork->no.checked = 1;
	return true;
}

static bool
step_alu(struct dp_fuser *fuser, struct dp_state *state, const struct bpf_insn *insn, const struct dp_facts **facts,
	 struct dp_support *consulted, struct dp_fork *fork)
{
	struct dp_expr_table *exprs = &fuser->dag->exprs;
	enum dp_expr_op op;
	bool done;
	if (!alu_op(insn->code, &op)) {
		fuser->refused = "libpcap made an instruction that is not known here";
		return false;
	}
	dp_expr_id left = state->a;
	dp_expr_id right = BPF_SRC(insn->code) == BPF_X ? simplified(fuser, *facts, state->x, consulted)
							: dp_expr_const(exprs, insn->k);
	if (BPF_OP(insn->code) == BPF_NEG) {
		left = dp_expr_const(exprs, 0);
		right = state->a;
	} else if (guard_operand(fuser, state, op, right, facts, consulted, fork, &done)) {
		return true;
	} else if (done) {
		return false;
	}
	state->a = dp_expr_binary(exprs, op, left, right);
	state->pc++;
	state->checked = 0;
	if (exprs->exprs[state->a].weight > MAX_EXPR_WEIGHT)
		fuser->refused = "the expression's arithmetic is too large";
	return false;
}

/* The jump's condition as a test; `*negated` when it jumps on the opposite answer. False: it always jumps. */
static bool
jump_test(struct dp_fuser *fuser, const struct dp_state *state, const struct bpf_insn *insn,
	  const struct dp_facts *facts, struct dp_support *consulted, struct dp_test *test, bool *negated)
{
	struct dp_expr_table *exprs = &fuser->dag->exprs;
	dp_expr_id right = BPF_SRC(insn->code) == BPF_X ? simplified(fuser, facts, state->x, consulted)
							: dp_expr_const(exprs, insn->k);
	bool constant = dp_expr_is_const(exprs, right);
	uint32_t k = exprs->exprs[right].k;
	*negated = false;
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		*test = (struct dp_test){.kind = DP_TEST_EQUAL, .a = state->a, .k = k};
		if (!constant) {
			test->a = dp_expr_binary(exprs, DP_EXPR_SUB, state->a, right);
			test->k = 0;
		}
		return true;
	case BPF_JGT:
		*test = (struct dp_test){.kind = DP_TEST_ABOVE, .a = state->a, .k = k};
		if (!constant)
			*test = (struct dp_test){.kind = DP_TEST_ABOVE_X, .a = state->a, .b = right};
		return true;
	case BPF_JGE:
		if (constant && k == 0)
			return false;
		*test = (struct dp_test){.kind = DP_TEST_ABOVE, .a = state->a, .k = k - 1};
		if (!constant) {
			*test = (struct dp_test){.kind = DP_TEST_ABOVE_X, .a = right, .b = state->a};
			*negated = true;
		}
		return true;
	default: /* BPF_JSET */
		*test = (struct dp_test){.kind = DP_TEST_EQUAL,
					 .a = dp_expr_binary(exprs, DP_EXPR_AND, state->a, right)};
		*negated = true;
		return true;
	}
}

static bool
step_jump(struct dp_fuser *fuser, struct dp_state *state, const struct bpf_insn *insn, const struct dp_facts *facts,
	  struct dp_support *consulted, struct dp_fork *fork)
{
	struct dp_test test = {0};
	bool negated = false;
	enum dp_answer answer = DP_ANSWER_YES;
	if (BPF_OP(insn->code) == BPF_JA) {
		state->pc = (uint16_t)(state->pc + 1 + insn->k);
		return false;
	}
	if (jump_test(fuser, state, insn, facts, consulted, &test, &negated))
		answer = decide(fuser, facts, &test, consulted);
	uint16_t yes = (uint16_t)(state->pc + 1 + (negated ? insn->jf : insn->jt));
	uint16_t no = (uint16_t)(state->pc + 1 + (negated ? insn->jt : insn->jf));
	if (answer != DP_ANSWER_OPEN) {
		state->pc = answer == DP_ANSWER_YES ? yes : no;
		return false;
	}
	*fork = (struct dp_fork){.test = test, .at = *state, .yes = *state, .no = *state};
	fork->yes.pc = yes;
	fork->no.pc = no;
	return true;
}

static struct dp_state
matched(const struct dp_stepped *program)
{
	if (program->answer == DP_STATE_BAIL)
		return (struct dp_state){.program = DP_STATE_BAIL};
	return (struct dp_state){.program = DP_STATE_MATCH, .pc = program->answer};
}

static bool
step_return(struct dp_fuser *fuser, struct dp_state *state, const struct bpf_insn *insn, const struct dp_facts **facts,
	    struct dp_support *consulted, struct dp_fork *fork)
{
	const struct dp_stepped *program = &fuser->programs[state->program];
	struct dp_test test = {.kind = DP_TEST_EQUAL, .a = state->a};
	enum dp_answer zero = insn->k == 0 ? DP_ANSWER_YES : DP_ANSWER_NO;
	if (BPF_RVAL(insn->code) == BPF_A)
		zero = decide(fuser, *facts, &test, consulted);
	if (zero == DP_ANSWER_OPEN) {
		*fork = (struct dp_fork){.test = test, .at = *state, .yes = *state, .no = matched(program)};
		enter_program(fuser, &fork->yes, state->program + 1u);
		return true;
	}
	if (zero == DP_ANSWER_YES)
		next_program(fuser, state, facts);
	else
		*state = matched(program);
	return false;
}

static void
step_move(struct dp_fuser *fuser, struct dp_state *state, const struct bpf_insn *insn)
{
	struct dp_expr_table *exprs = &fuser->dag->exprs;
	dp_expr_id *to = BPF_CLASS(insn->code) == BPF_LDX ? &state->x : &state->a;
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		if (BPF_MODE(insn->code) == BPF_IMM)
			*to = dp_expr_const(exprs, insn->k);
		else if (BPF_MODE(insn->code) == BPF_LEN)
			*to = dp_expr_symbol(exprs, DP_EXPR_LENGTH);
		else
			*to = state->mem[insn->k & 15];
		break;
	case BPF_ST:
		state->mem[insn->k & 15] = state->a;
		break;
	case BPF_STX:
		state->mem[insn->k & 15] = state->x;
		break;
	default: /* BPF_MISC */
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			state->x = state->a;
		else
			state->a = state->x;
		break;
	}
	state->pc++;
}

static bool
step_insn(struct dp_fuser *fuser, struct dp_state *state, const struct bpf_insn *insn, const struct dp_facts **facts,
	  struct dp_support *consulted, struct dp_fork *fork)
{
	if (is_packet_load(insn->code))
		return step_load(fuser, state, insn, facts, consulted, fork);
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
		return step_alu(fuser, state, insn, facts, consulted, fork);
	case BPF_JMP:
		return step_jump(fuser, state, insn, *facts, consulted, fork);
	case BPF_RET:
		return step_return(fuser, state, insn, facts, consulted, fork);
	default:
		step_move(fuser, state, insn);
		return false;
	}
}

bool
dp_filter_step(struct dp_fuser *fuser, struct dp_state *state, const struct dp_facts **facts,
	       struct dp_support *consulted, struct dp_fork *fork)
{
	bool open = false;
	if (state->program < DP_STATE_MATCH && state->pc == 0 && !state->checked)
		*facts = carry_over(fuser, *facts);
	while (!open && state->program < DP_STATE_MATCH && fuser->refused == NULL && !fuser->too_big) {
		const struct dp_stepped *program = &fuser->programs[state->program];
		if (program->n == 0) {
			*state = matched(program);
			return false;
		}
		if (fuser->steps_left-- == 0) {
			fuser->too_big = true;
			return false;
		}
		struct dp_support now = {{0}};
		open = step_insn(fuser, state, &program->insns[state->pc], facts, &now, fork);
		dp_support_add(consulted, &now);
		fork->consulted = now;
	}
	if (open) {
		bury_the_dead(fuser, &fork->at);
		bury_the_dead(fuser, &fork->yes);
		bury_the_dead(fuser, &fork->no);
	}
	return open;
}

static uint32_t
reads(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return BPF_MODE(insn->code) == BPF_IND	 ? DP_LIVE_X
		       : BPF_MODE(insn->code) == BPF_MEM ? DP_LIVE_M(insn->k)
							 : 0;
	case BPF_LDX:
		return BPF_MODE(insn->code) == BPF_MEM ? DP_LIVE_M(insn->k) : 0;
	case BPF_ST:
		return DP_LIVE_A;
	case BPF_STX:
		return DP_LIVE_X;
	case BPF_ALU:
		return DP_LIVE_A | (BPF_SRC(insn->code) == BPF_X ? DP_LIVE_X : 0);
	case BPF_JMP:
		if (BPF_OP(insn->code) == BPF_JA)
			return 0;
		return DP_LIVE_A | (BPF_SRC(insn->code) == BPF_X ? DP_LIVE_X : 0);
	case BPF_RET:
		return BPF_RVAL(insn->code) == BPF_A ? DP_LIVE_A : 0;
	default:
		return BPF_MISCOP(insn->code) == BPF_TAX ? DP_LIVE_A : DP_LIVE_X;
	}
}

static uint32_t
writes(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_ALU:
		return DP_LIVE_A;
	case BPF_LDX:
		return DP_LIVE_X;
	case BPF_ST:
	case BPF_STX:
		return DP_LIVE_M(insn->k);
	case BPF_MISC:
		return BPF_MISCOP(insn->code) == BPF_TAX ? DP_LIVE_X : DP_LIVE_A;
	default:
		return 0;
	}
}

uint32_t *
dp_filter_liveness(const struct bpf_insn *insns, uint32_t n)
{
	uint32_t *live = calloc(n + 1, sizeof(*live));
	if (live == NULL)
		return NULL;
	for (uint32_t pc = n; pc-- > 0;) {
		const struct bpf_insn *insn = &insns[pc];
		uint32_t after = live[pc + 1];
		if (BPF_CLASS(insn->code) == BPF_JMP)
			after = BPF_OP(insn->code) == BPF_JA ? live[pc + 1 + insn->k]
							     : live[pc + 1 + insn->jt] | live[pc + 1 + insn->jf];
		else if (BPF_CLASS(insn->code) == BPF_RET)
			after = 0;
		live[pc] = (after & ~writes(insn)) | reads(insn);
	}
	return live;
}
