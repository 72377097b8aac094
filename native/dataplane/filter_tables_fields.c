/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "filter_tables_internal.h"

struct look {
	enum dp_field_kind kind;
	uint32_t offset;
	uint32_t mask; /* of the value that is compared */
};

static const char *
obstacle_of(const struct dp_tables_builder *builder, const struct dp_test *test, struct look *look)
{
	const struct dp_expr *exprs = builder->dag->exprs.exprs;
	const struct dp_expr *expr = &exprs[test->a];
	*look = (struct look){.mask = UINT32_MAX};
	if (test->kind == DP_TEST_INSIDE)
		return "the place of a value depends on the packet";
	if (test->kind == DP_TEST_ABOVE_X)
		return "two values of the packet are compared";
	if (expr->op == DP_EXPR_LENGTH) {
		look->kind = DP_FIELD_LENGTH;
		return test->k < UINT16_MAX ? NULL : "a length beyond 65534 is asked for";
	}
	if (expr->op == DP_EXPR_AND && dp_expr_is_const(&builder->dag->exprs, expr->b)) {
		look->mask = exprs[expr->b].k;
		expr = &exprs[expr->a];
	}
	if (expr->op == DP_EXPR_SEGMENT)
		return "bytes behind the headers are asked for";
	if (expr->op != DP_EXPR_LOAD)
		return "a value is computed";
	look->offset = expr->k;
	look->mask &= dp_load_max(expr->size);
	look->kind = expr->size == 4 ? DP_FIELD_WORD : expr->size == 2 ? DP_FIELD_HALF : DP_FIELD_BYTE;
	if (look->kind == DP_FIELD_WORD && test->kind == DP_TEST_ABOVE)
		return "values of four bytes are compared by size";
	return NULL;
}

const char *
dp_tables_obstacle(const struct dp_tables_builder *builder, uint32_t node)
{
	struct look look;
	return obstacle_of(builder, &builder->dag->nodes[node].test, &look);
}

/* More bytes than the shape is sure of, but no more than its frames have on a wire. */
static bool
is_wire_length(struct dp_tables_builder *builder, const struct dp_test *test)
{
	if (builder->dag->exprs.exprs[test->a].op != DP_EXPR_SEGMENT || test->kind != DP_TEST_ABOVE ||
	    test->k >= builder->most)
		return false;
	if (test->k >= builder->least)
		builder->least = (uint16_t)(test->k + 1);
	return true;
}

/* The number of the field, a new one if need be; -1 when there are too many. */
static int
field_of(struct dp_tables_builder *builder, const struct look *look)
{
	for (unsigned f = 0; f < builder->n_fields; f++) {
		const struct dp_field *field = &builder->fields[f];
		if (field->kind == look->kind && field->offset == look->offset &&
		    (look->kind != DP_FIELD_WORD || field->mask == look->mask))
			return (int)f;
	}
	if (builder->n_fields == DP_TABLES_MAX_FIELDS)
		return -1;
	struct dp_field *field = &builder->fields[builder->n_fields];
	field->kind = look->kind;
	field->offset = look->offset;
	field->mask = look->mask;
	field->n_classes = 1;
	memset(field->class_of, 0, sizeof(field->class_of));
	return (int)builder->n_fields++;
}

static bool
compare(const struct dp_test *test, uint32_t mask, uint32_t value)
{
	return test->kind == DP_TEST_EQUAL ? (value & mask) == test->k : (value & mask) > test->k;
}

/* Splits classes so that the test holds for all values of a class or for none. */
static void
refine_values(struct dp_field *field, const struct dp_test *test, uint32_t mask)
{
	uint32_t last = field->kind == DP_FIELD_BYTE ? 0xff : 0xffff;
	bool one_value = test->kind == DP_TEST_EQUAL && (mask & last) == last;
	uint32_t from = one_value || test->kind == DP_TEST_ABOVE ? test->k : 0;
	uint32_t to = one_value && test->k < last ? test->k : last;
	uint16_t split[DP_TABLES_MAX_CLASSES] = {0}; /* [class]: the one of its values for which the test holds */
	for (uint32_t value = from; value <= to; value++) {
		if (!compare(test, mask, value))
			continue;
		uint16_t class = field->class_of[value];
		if (split[class] == 0 && field->n_classes == DP_TABLES_MAX_CLASSES)
			return; /* full: find_values() sees to it */
		if (split[class] == 0)
			split[class] = (uint16_t)field->n_classes++;
		field->class_of[value] = split[class];
	}
}

static void
refine_words(struct dp_field *field, const struct dp_test *test)
{
	for (unsigned c = 1; c < field->n_classes; c++)
		if (field->values[c] == test->k)
			return;
	if (field->n_classes < DP_TABLES_MAX_CLASSES)
		field->values[field->n_classes++] = test->k;
}

/* Classes all of whose values went into others are left out; a value of each is noted. */
static void
find_values(struct dp_field *field)
{
	uint16_t number[DP_TABLES_MAX_CLASSES];
	uint32_t last = field->kind == DP_FIELD_BYTE ? 0xff : 0xffff;
	memset(number, 0xff, sizeof(number));
	field->n_classes = 0;
	for (uint32_t value = 0; value <= last; value++) {
		uint16_t *class = &number[field->class_of[value]];
		if (*class == 0xffff) {
			*class = (uint16_t)field->n_classes;
			field->values[field->n_classes++] = value;
		}
		field->class_of[value] = *class;
	}
}

static bool
add_test(struct dp_tables_builder *builder, uint32_t node)
{
	const struct dp_test *test = &builder->dag->nodes[node].test;
	struct look look;
	if (is_wire_length(builder, test)) {
		builder->sight[node] = DP_SIGHT_SEGMENT;
		return true;
	}
	builder->sight[node] = DP_SIGHT_OBSTACLE;
	if (obstacle_of(builder, test, &look) != NULL)
		return true;
	int f = field_of(builder, &look);
	if (f < 0) {
		builder->refused = "there are too many fields";
		return false;
	}
	struct dp_field *field = &builder->fields[f];
	builder->sight[node] = (uint8_t)(DP_SIGHT_FIELD + f);
	if (field->kind == DP_FIELD_WORD)
		refine_words(field, test);
	else
		refine_values(field, test, look.mask);
	if (field->n_classes < DP_TABLES_MAX_CLASSES)
		return true;
	builder->refused = "a field is compared with too many values";
	return false;
}

/* Nodes are made after those they lead to, so each is reached before its turn comes. */
bool
dp_tables_find_fields(struct dp_tables_builder *builder)
{
	const struct dp_filter_dag *dag = builder->dag;
	memset(builder->sight, DP_SIGHT_NONE, dag->n);
	for (unsigned i = 0; i < builder->n_roots; i++)
		builder->sight[builder->roots[i]] = DP_SIGHT_OBSTACLE;
	for (uint32_t id = dag->n; id-- > 0;) {
		const struct dp_filter_node *node = &dag->nodes[id];
		if (builder->sight[id] == DP_SIGHT_NONE || node->leaf)
			continue;
		builder->sight[node->yes] = DP_SIGHT_OBSTACLE;
		builder->sight[node->no] = DP_SIGHT_OBSTACLE;
		if (!add_test(builder, id))
			return false;
	}
	for (unsigned f = 0; f < builder->n_fields; f++)
		if (builder->fields[f].kind != DP_FIELD_WORD)
			find_values(&builder->fields[f]);
	return true;
}

bool
dp_tables_holds(const struct dp_tables_builder *builder, const struct dp_test *test, const struct dp_field *field,
		unsigned class)
{
	struct look look;
	if (field->kind == DP_FIELD_WORD)
		return class != 0 && field->values[class] == test->k;
	obstacle_of(builder, test, &look);
	return compare(test, look.mask, field->values[class]);
}
