/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_facts.h"

#include <string.h>

struct range {
	uint32_t low;
	uint32_t high;
};

/* Gathers what facts about overlapping loads say of the bits of this one, byte by byte. */
static void
known_bits(const struct dp_facts *facts, const struct dp_expr_table *table, const struct dp_expr *load, uint32_t *mask,
	   uint32_t *value)
{
	*mask = 0;
	*value = 0;
	for (uint32_t i = 0; i < facts->n; i++) {
		const struct dp_fact *fact = &facts->facts[i];
		const struct dp_expr *other = &table->exprs[fact->expr];
		if (fact->kind != DP_FACT_BITS || other->k + other->size <= load->k || load->k + load->size <= other->k)
			continue;
		for (uint32_t at = load->k; at < load->k + load->size; at++) {
			if (at < other->k || at >= other->k + other->size)
				continue;
			uint32_t from = 8 * (other->k + other->size - 1 - at);
			uint32_t to = 8 * (load->k + load->size - 1 - at);
			*mask |= (fact->x >> from & 0xff) << to;
			*value |= (fact->y >> from & 0xff) << to;
		}
	}
}

static bool
is_masked_load(const struct dp_expr_table *table, const struct dp_expr *expr)
{
	return expr->op == DP_EXPR_AND && dp_expr_is_const(table, expr->b) && table->exprs[expr->a].op == DP_EXPR_LOAD;
}

static dp_expr_id
simplify_load(const struct dp_facts *facts, struct dp_expr_table *table, dp_expr_id id, uint32_t wanted)
{
	const struct dp_expr load = table->exprs[id];
	uint32_t mask;
	uint32_t value;
	known_bits(facts, table, &load, &mask, &value);
	if ((wanted & ~mask) == 0)
		return dp_expr_const(table, value & wanted);
	return wanted == dp_load_max(load.size) ? id
						: dp_expr_binary(table, DP_EXPR_AND, id, dp_expr_const(table, wanted));
}

dp_expr_id
dp_facts_simplify(const struct dp_facts *facts, struct dp_expr_table *table, dp_expr_id id)
{
	const struct dp_expr expr = table->exprs[id];
	switch (expr.op) {
	case DP_EXPR_CONST:
	case DP_EXPR_LENGTH:
	case DP_EXPR_SEGMENT:
		return id;
	case DP_EXPR_LOAD:
		return simplify_load(facts, table, id, dp_load_max(expr.size));
	case DP_EXPR_LOAD_VAR:
		return dp_expr_load_at(table, expr.size, dp_facts_simplify(facts, table, expr.a), expr.k);
	default:
		break;
	}
	if (is_masked_load(table, &expr))
		return simplify_load(facts, table, expr.a, table->exprs[expr.b].k);
	dp_expr_id a = dp_facts_simplify(facts, table, expr.a);
	dp_expr_id b = dp_facts_simplify(facts, table, expr.b);
	return a == expr.a && b == expr.b ? id : dp_expr_binary(table, (enum dp_expr_op)expr.op, a, b);
}

static struct range
known_range(const struct dp_facts *facts, const struct dp_expr_table *table, dp_expr_id id)
{
	const struct dp_expr *expr = &table->exprs[id];
	struct range range = {.low = expr->op == DP_EXPR_CONST ? expr->k : 0, .high = expr->max};
	for (uint32_t i = 0; i < facts->n; i++) {
		const struct dp_fact *fact = &facts->facts[i];
		if (fact->expr == id && fact->kind == DP_FACT_RANGE)
			range = (struct range){.low = fact->x, .high = fact->y};
	}
	if (expr->op == DP_EXPR_LOAD) {
		uint32_t mask;
		uint32_t value;
		known_bits(facts, table, expr, &mask, &value);
		uint32_t high = value | (~mask & dp_load_max(expr->size));
		range.low = value > range.low ? value : range.low;
		range.high = high < range.high ? high : range.high;
	}
	return range;
}

/* Whether bits already known rule out that the value is k. */
static bool
bits_forbid(const struct dp_facts *facts, const struct dp_expr_table *table, dp_expr_id id, uint32_t k)
{
	const struct dp_expr *expr = &table->exprs[id];
	const struct dp_expr *load = expr;
	uint32_t wanted = UINT32_MAX;
	if (is_masked_load(table, expr)) {
		wanted = table->exprs[expr->b].k;
		load = &table->exprs[expr->a];
	}
	if (expr->op == DP_EXPR_AND && dp_expr_is_const(table, expr->b) && (k & ~table->exprs[expr->b].k) != 0)
		return true;
	if (load->op != DP_EXPR_LOAD)
		return false;
	uint32_t mask;
	uint32_t value;
	known_bits(facts, table, load, &mask, &value);
	return ((k ^ value) & mask & wanted) != 0;
}

static enum dp_answer
decide_equal(const struct dp_facts *facts, const struct dp_expr_table *table, const struct dp_test *test)
{
	struct range range = known_range(facts, table, test->a);
	if (test->k < range.low || test->k > range.high || bits_forbid(facts, table, test->a, test->k))
		return DP_ANSWER_NO;
	if (range.low == range.high)
		return DP_ANSWER_YES;
	for (uint32_t i = 0; i < facts->n; i++)
		if (facts->facts[i].expr == test->a && facts->facts[i].kind == DP_FACT_NOT &&
		    facts->facts[i].x == test->k)
			return DP_ANSWER_NO;
	return DP_ANSWER_OPEN;
}

static enum dp_answer
decide_above(const struct dp_facts *facts, const struct dp_expr_table *table, const struct dp_test *test)
{
	struct range range = known_range(facts, table, test->a);
	if (range.low > test->k)
		return DP_ANSWER_YES;
	return range.high <= test->k ? DP_ANSWER_NO : DP_ANSWER_OPEN;
}

static enum dp_answer
decide_inside(const struct dp_facts *facts, const struct dp_expr_table *table, struct dp_test *test)
{
	struct range limit = known_range(facts, table, test->b);
	uint64_t most = (uint64_t)table->exprs[test->a].max + test->k;
	if (most <= limit.low)
		return DP_ANSWER_YES;
	if (test->k > limit.high)
		return DP_ANSWER_NO;
	if (dp_expr_is_const(table, test->a)) {
		if (most > limit.high)
			return DP_ANSWER_NO;
		*test = (struct dp_test){.kind = DP_TEST_ABOVE, .a = test->b, .k = (uint32_t)most - 1};
		return decide_above(facts, table, test);
	}
	for (uint32_t i = 0; i < facts->n; i++) {
		const struct dp_fact *fact = &facts->facts[i];
		if (fact->expr != test->a || fact->y != test->b)
			continue;
		if (fact->kind == DP_FACT_INSIDE && test->k <= fact->x)
			return DP_ANSWER_YES;
		if (fact->kind == DP_FACT_OUTSIDE && test->k >= fact->x)
			return DP_ANSWER_NO;
	}
	return DP_ANSWER_OPEN;
}

enum dp_answer
dp_facts_decide(const struct dp_facts *facts, struct dp_expr_table *table, struct dp_test *test)
{
	test->a = dp_facts_simplify(facts, table, test->a);
	switch (test->kind) {
	case DP_TEST_EQUAL:
		return decide_equal(facts, table, test);
	case DP_TEST_ABOVE:
		return decide_above(facts, table, test);
	case DP_TEST_INSIDE:
		return decide_inside(facts, table, test);
	case DP_TEST_ABOVE_X:
		break;
	}
	test->b = dp_facts_simplify(facts, table, test->b);
	if (dp_expr_is_const(table, test->b)) {
		*test = (struct dp_test){.kind = DP_TEST_ABOVE, .a = test->a, .k = table->exprs[test->b].k};
		return decide_above(facts, table, test);
	}
	return DP_ANSWER_OPEN;
}

static int
compare_facts(const struct dp_fact *one, const struct dp_fact *other)
{
	if (one->expr != other->expr)
		return one->expr < other->expr ? -1 : 1;
	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	if (one->x != other->x)
		return one->x < other->x ? -1 : 1;
	return one->y == other->y ? 0 : one->y < other->y ? -1 : 1;
}

static void
remove_at(struct dp_facts_builder *set, uint32_t at)
{
	set->n--;
	memmove(&set->facts[at], &set->facts[at + 1], (set->n - at) * sizeof(set->facts[0]));
}

static void
insert(struct dp_facts_builder *set, struct dp_fact fact)
{
	uint32_t at = 0;
	while (at < set->n && compare_facts(&set->facts[at], &fact) < 0)
		at++;
	if (set->n == DP_MAX_FACTS || (at < set->n && compare_facts(&set->facts[at], &fact) == 0))
		return;
	memmove(&set->facts[at + 1], &set->facts[at], (set->n - at) * sizeof(set->facts[0]));
	set->facts[at] = fact;
	set->n++;
}

/* The fact of this kind about this expression, taken out of the set; kinds of which there is one at most. */
static bool
take(struct dp_facts_builder *set, dp_expr_id expr, enum dp_fact_kind kind, struct dp_fact *taken)
{
	for (uint32_t i = 0; i < set->n; i++) {
		if (set->facts[i].expr != expr || set->facts[i].kind != kind)
			continue;
		*taken = set->facts[i];
		remove_at(set, i);
		return true;
	}
	return false;
}

static void
learn_bits(struct dp_facts_builder *set, const struct dp_expr_table *table, dp_expr_id load, uint32_t mask,
	   uint32_t value)
{
	struct dp_fact known = {.x = 0, .y = 0};
	take(set, load, DP_FACT_BITS, &known);
	mask |= known.x;
	value |= known.y;
	if (mask == dp_load_max(table->exprs[load].size)) /* then nothing else is worth keeping */
		for (uint32_t i = set->n; i-- > 0;)
			if (set->facts[i].expr == load)
				remove_at(set, i);
	insert(set, (struct dp_fact){.expr = load, .kind = DP_FACT_BITS, .x = mask, .y = value});
}

static void
learn_range(struct dp_facts_builder *set, const struct dp_expr_table *table, dp_expr_id expr, uint32_t low,
	    uint32_t high)
{
	struct dp_fact known = {.x = 0, .y = table->exprs[expr].max};
	take(set, expr, DP_FACT_RANGE, &known);
	low = low > known.x ? low : known.x;
	high = high < known.y ? high : known.y;
	insert(set, (struct dp_fact){.expr = expr, .kind = DP_FACT_RANGE, .x = low, .y = high});
}

static void
learn_not(struct dp_facts_builder *set, dp_expr_id expr, uint32_t k)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < set->n; i++)
		count += set->facts[i].expr == expr && set->facts[i].kind == DP_FACT_NOT;
	if (count < DP_MAX_FACTS_NOT)
		insert(set, (struct dp_fact){.expr = expr, .kind = DP_FACT_NOT, .x = k});
}

static void
learn_equal(struct dp_facts_builder *set, const struct dp_expr_table *table, const struct dp_test *test, bool answer)
{
	const struct dp_expr *expr = &table->exprs[test->a];
	bool masked = is_masked_load(table, expr);
	uint32_t mask = masked ? table->exprs[expr->b].k : expr->op == DP_EXPR_LOAD ? dp_load_max(expr->size) : 0;
	dp_expr_id load = masked ? expr->a : test->a;
	if (mask != 0 && answer)
		learn_bits(set, table, load, mask, test->k);
	else if (mask != 0 && (mask & (mask - 1)) == 0)
		learn_bits(set, table, load, mask, test->k ^ mask); /* one bit: the other value */
	else if (answer)
		learn_range(set, table, test->a, test->k, test->k);
	else
		learn_not(set, test->a, test->k);
}

void
dp_facts_learn(const struct dp_facts *facts, const struct dp_expr_table *table, const struct dp_test *test, bool answer,
	       struct dp_facts_builder *learned)
{
	learned->n = facts->n;
	memcpy(learned->facts, facts->facts, facts->n * sizeof(facts->facts[0]));
	switch (test->kind) {
	case DP_TEST_EQUAL:
		learn_equal(learned, table, test, answer);
		break;
	case DP_TEST_ABOVE:
		learn_range(learned, table, test->a, answer ? test->k + 1 : 0, answer ? UINT32_MAX : test->k);
		break;
	case DP_TEST_INSIDE:
		insert(learned, (struct dp_fact){.expr = test->a,
						 .kind = answer ? DP_FACT_INSIDE : DP_FACT_OUTSIDE,
						 .x = test->k,
						 .y = test->b});
		break;
	case DP_TEST_ABOVE_X:
		break;
	}
}

static const struct dp_fact *
next_relevant(const struct dp_facts *facts, uint32_t *at, const struct dp_expr_table *table,
	      const struct dp_support *support)
{
	while (*at < facts->n) {
		const struct dp_fact *fact = &facts->facts[(*at)++];
		bool of_limit = (fact->kind == DP_FACT_INSIDE || fact->kind == DP_FACT_OUTSIDE) &&
				dp_support_meets(&table->exprs[fact->y].support, support);
		if (of_limit || dp_support_meets(&table->exprs[fact->expr].support, support))
			return fact;
	}
	return NULL;
}

bool
dp_facts_agree(const struct dp_facts *one, const struct dp_facts *other, const struct dp_expr_table *table,
	       const struct dp_support *support)
{
	if (one == other)
		return true;
	uint32_t at_one = 0;
	uint32_t at_other = 0;
	for (;;) {
		const struct dp_fact *left = next_relevant(one, &at_one, table, support);
		const struct dp_fact *right = next_relevant(other, &at_other, table, support);
		if (left == NULL || right == NULL)
			return left == right;
		if (compare_facts(left, right) != 0)
			return false;
	}
}
