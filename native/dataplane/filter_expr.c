/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_expr.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
hash_expr(const struct dp_expr *expr)
{
	uint64_t hash = expr->op | (uint64_t)expr->size << 8 | (uint64_t)expr->k << 16;
	hash = (hash ^ (uint64_t)expr->a << 7 ^ (uint64_t)expr->b << 37) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32);
}

static bool
same_expr(const struct dp_expr *one, const struct dp_expr *other)
{
	return one->op == other->op && one->size == other->size && one->k == other->k && one->a == other->a &&
	       one->b == other->b;
}

static void
place(struct dp_expr_table *table, dp_expr_id id)
{
	uint32_t slot = hash_expr(&table->exprs[id]) & (table->n_slots - 1);
	while (table->slots[slot] != 0)
		slot = (slot + 1) & (table->n_slots - 1);
	table->slots[slot] = id + 1;
}

static bool
grow(struct dp_expr_table *table)
{
	uint32_t room = table->room == 0 ? 1024 : table->room * 2;
	struct dp_expr *exprs = realloc(table->exprs, room * sizeof(*exprs));
	if (exprs == NULL)
		return false;
	table->exprs = exprs;
	table->room = room;
	uint32_t *slots = calloc(room * 2, sizeof(*slots));
	if (slots == NULL)
		return false;
	free(table->slots);
	table->slots = slots;
	table->n_slots = room * 2;
	for (dp_expr_id id = 0; id < table->n; id++)
		place(table, id);
	return true;
}

static dp_expr_id
intern(struct dp_expr_table *table, const struct dp_expr *expr)
{
	for (uint32_t slot = hash_expr(expr) & (table->n_slots - 1); table->slots[slot] != 0;
	     slot = (slot + 1) & (table->n_slots - 1))
		if (same_expr(&table->exprs[table->slots[slot] - 1], expr))
			return table->slots[slot] - 1;
	if (table->n == table->room && !grow(table)) {
		table->out_of_memory = true;
		return 0;
	}
	table->exprs[table->n] = *expr;
	place(table, table->n);
	return table->n++;
}

bool
dp_expr_table_init(struct dp_expr_table *table)
{
	*table = (struct dp_expr_table){0};
	if (!grow(table)) {
		dp_expr_table_free(table);
		return false;
	}
	dp_expr_const(table, 0); /* id 0 */
	return true;
}

void
dp_expr_table_free(struct dp_expr_table *table)
{
	free(table->exprs);
	free(table->slots);
	*table = (struct dp_expr_table){0};
}

static void
support_set(struct dp_support *support, unsigned bit)
{
	support->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

dp_expr_id
dp_expr_const(struct dp_expr_table *table, uint32_t value)
{
	return intern(table, &(struct dp_expr){.op = DP_EXPR_CONST, .k = value, .weight = 1, .max = value});
}

dp_expr_id
dp_expr_symbol(struct dp_expr_table *table, enum dp_expr_op op)
{
	struct dp_expr expr = {.op = (uint8_t)op, .weight = 1, .max = op == DP_EXPR_SEGMENT ? 0xffff : UINT32_MAX};
	support_set(&expr.support, op == DP_EXPR_SEGMENT ? DP_SUPPORT_SEGMENT : DP_SUPPORT_LENGTH);
	return intern(table, &expr);
}

dp_expr_id
dp_expr_load(struct dp_expr_table *table, uint8_t size, uint32_t offset)
{
	struct dp_expr expr = {.op = DP_EXPR_LOAD, .size = size, .k = offset, .weight = 1, .max = dp_load_max(size)};
	for (uint32_t i = 0; i < size; i++)
		support_set(&expr.support, offset < DP_SUPPORT_BYTES - size ? offset + i : DP_SUPPORT_FAR);
	return intern(table, &expr);
}

static uint16_t
add_weights(uint32_t one, uint32_t other)
{
	uint32_t sum = one + other + 1;
	return (uint16_t)(sum < UINT16_MAX ? sum : UINT16_MAX);
}

dp_expr_id
dp_expr_load_at(struct dp_expr_table *table, uint8_t size, dp_expr_id base, uint32_t offset)
{
	if (dp_expr_is_const(table, base))
		return dp_expr_load(table, size, table->exprs[base].k + offset);
	struct dp_expr expr = {.op = DP_EXPR_LOAD_VAR, .size = size, .k = offset, .a = base, .max = dp_load_max(size)};
	expr.weight = add_weights(table->exprs[base].weight, 1);
	expr.support = table->exprs[base].support;
	support_set(&expr.support, DP_SUPPORT_FAR);
	return intern(table, &expr);
}

static uint32_t
fold(enum dp_expr_op op, uint32_t a, uint32_t b)
{
	switch (op) {
	case DP_EXPR_ADD:
		return a + b;
	case DP_EXPR_SUB:
		return a - b;
	case DP_EXPR_MUL:
		return a * b;
	case DP_EXPR_DIV:
		return b == 0 ? 0 : a / b;
	case DP_EXPR_MOD:
		return b == 0 ? 0 : a % b;
	case DP_EXPR_AND:
		return a & b;
	case DP_EXPR_OR:
		return a | b;
	case DP_EXPR_XOR:
		return a ^ b;
	case DP_EXPR_SHL:
		return b < 32 ? a << b : 0;
	case DP_EXPR_SHR:
		return b < 32 ? a >> b : 0;
	default:
		return 0;
	}
}

/* The largest number with as many bits as `value`. */
static uint32_t
fill_bits(uint32_t value)
{
	return value == 0 ? 0 : UINT32_MAX >> __builtin_clz(value);
}

static uint32_t
clamp(uint64_t value)
{
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static uint32_t
binary_max(const struct dp_expr_table *table, enum dp_expr_op op, dp_expr_id a, dp_expr_id b)
{
	uint64_t x = table->exprs[a].max;
	uint64_t y = table->exprs[b].max;
	bool constant = dp_expr_is_const(table, b);
	switch (op) {
	case DP_EXPR_ADD:
		return clamp(x + y);
	case DP_EXPR_MUL:
		return clamp(x * y);
	case DP_EXPR_DIV:
		return constant && y != 0 ? (uint32_t)(x / y) : (uint32_t)x;
	case DP_EXPR_MOD:
		return constant && y != 0 && y - 1 < x ? (uint32_t)(y - 1) : (uint32_t)x;
	case DP_EXPR_AND:
		return (uint32_t)(x < y ? x : y);
	case DP_EXPR_OR:
	case DP_EXPR_XOR:
		return fill_bits((uint32_t)(x | y));
	case DP_EXPR_SHL:
		return constant && y < 32 ? clamp(x << y) : UINT32_MAX;
	case DP_EXPR_SHR:
		return constant && y < 32 ? (uint32_t)(x >> y) : (uint32_t)x;
	default:
		return UINT32_MAX;
	}
}

static bool
is_neutral(enum dp_expr_op op, uint32_t value)
{
	switch (op) {
	case DP_EXPR_ADD:
	case DP_EXPR_SUB:
	case DP_EXPR_OR:
	case DP_EXPR_XOR:
	case DP_EXPR_SHL:
	case DP_EXPR_SHR:
		return value == 0;
	case DP_EXPR_MUL:
	case DP_EXPR_DIV:
		return value == 1;
	default:
		return false;
	}
}

/* What an expression with a constant on its right comes down to, or false. */
static bool
simplify_right(struct dp_expr_table *table, enum dp_expr_op op, dp_expr_id a, uint32_t k, dp_expr_id *result)
{
	const struct dp_expr left = table->exprs[a];
	if (is_neutral(op, k)) {
		*result = a;
		return true;
	}
	if (((op == DP_EXPR_AND || op == DP_EXPR_MUL) && k == 0) ||
	    ((op == DP_EXPR_SHL || op == DP_EXPR_SHR) && k > 31)) {
		*result = dp_expr_const(table, 0);
		return true;
	}
	if (op == DP_EXPR_AND && (k & fill_bits(left.max)) == fill_bits(left.max)) {
		*result = a;
		return true;
	}
	if (op == DP_EXPR_AND && left.op == DP_EXPR_AND && dp_expr_is_const(table, left.b)) {
		uint32_t mask = table->exprs[left.b].k & k;
		*result = dp_expr_binary(table, DP_EXPR_AND, left.a, dp_expr_const(table, mask));
		return true;
	}
	return false;
}

dp_expr_id
dp_expr_binary(struct dp_expr_table *table, enum dp_expr_op op, dp_expr_id a, dp_expr_id b)
{
	bool commutes =
		op == DP_EXPR_ADD || op == DP_EXPR_MUL || op == DP_EXPR_AND || op == DP_EXPR_OR || op == DP_EXPR_XOR;
	if (commutes && dp_expr_is_const(table, a)) {
		dp_expr_id swapped = a;
		a = b;
		b = swapped;
	}
	dp_expr_id simpler;
	if (dp_expr_is_const(table, b)) {
		uint32_t k = table->exprs[b].k;
		if (dp_expr_is_const(table, a))
			return dp_expr_const(table, fold(op, table->exprs[a].k, k));
		if (simplify_right(table, op, a, k, &simpler))
			return simpler;
	}
	struct dp_expr expr = {.op = (uint8_t)op, .a = a, .b = b, .max = binary_max(table, op, a, b)};
	expr.weight = add_weights(table->exprs[a].weight, table->exprs[b].weight);
	expr.support = table->exprs[a].support;
	dp_support_add(&expr.support, &table->exprs[b].support);
	return intern(table, &expr);
}
