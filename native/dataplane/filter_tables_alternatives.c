/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways through a rule's part of the DAG that take a packet, each as a set of classes for each field. A run of tests
 * of one field is one step, which may lead on to several places: so `host A or host B or ...` is not a way for each
 * host, but one for the source and one for the destination.
 */
#include <string.h>

#include "filter_tables_internal.h"

#define MAX_DEPTH 1000 /* of recursion */

static bool
add_alternative(struct dp_tables_builder *builder, uint16_t answer, const struct dp_class_set *allowed)
{
	if (builder->n_alternatives == DP_TABLES_MAX_ALTERNATIVES) {
		builder->refused = "the rules have too many alternatives";
		return false;
	}
	struct dp_alternative *alternative = &builder->alternatives[builder->n_alternatives++];
	alternative->answer = answer;
	memcpy(alternative->allowed, allowed, builder->n_fields * sizeof(*allowed));
	return true;
}

static bool
count_step(struct dp_tables_builder *builder)
{
	if (builder->steps_left == 0)
		builder->refused = "the rules are too intricate";
	else
		builder->steps_left--;
	return builder->refused == NULL;
}

/* Where a run of tests of the field leads for the class. */
static uint32_t
follow(struct dp_tables_builder *builder, uint32_t id, unsigned f, unsigned class)
{
	while (builder->sight[id] == DP_SIGHT_FIELD + f && count_step(builder)) {
		const struct dp_filter_node *node = &builder->dag->nodes[id];
		id = dp_tables_holds(builder, &node->test, &builder->fields[f], class) ? node->yes : node->no;
	}
	return id;
}

static bool walk(struct dp_tables_builder *builder, uint32_t id, struct dp_class_set *allowed, uint16_t rule);

/* On from each place that the field's classes lead to, with those classes. */
static bool
walk_field(struct dp_tables_builder *builder, uint32_t id, unsigned f, struct dp_class_set *allowed, uint16_t rule)
{
	const struct dp_class_set before = allowed[f];
	unsigned n = builder->fields[f].n_classes;
	uint32_t *targets = builder->targets + builder->n_targets;
	if (builder->n_targets + n > DP_TABLES_MAX_TARGETS || builder->depth == MAX_DEPTH) {
		builder->refused = "the rules are nested too deeply";
		return false;
	}
	builder->depth++;
	builder->n_targets += n;
	for (unsigned c = 0; c < n; c++)
		targets[c] = dp_class_has(&before, c) ? follow(builder, id, f, c) : UINT32_MAX;
	for (unsigned c = 0; c < n && builder->refused == NULL; c++) {
		uint32_t target = targets[c];
		if (target == UINT32_MAX)
			continue;
		memset(&allowed[f], 0, sizeof(allowed[f]));
		for (unsigned other = c; other < n; other++) {
			if (targets[other] != target)
				continue;
			dp_class_add(&allowed[f], other);
			targets[other] = UINT32_MAX;
		}
		walk(builder, target, allowed, rule);
	}
	builder->n_targets -= n;
	builder->depth--;
	allowed[f] = before;
	return builder->refused == NULL;
}

static bool
leave_to_program(struct dp_tables_builder *builder, uint32_t id, const struct dp_class_set *allowed, uint16_t rule)
{
	if (builder->obstacle == NULL) {
		builder->obstacle = dp_tables_obstacle(builder, id);
		builder->obstacle_rule = rule;
	}
	return add_alternative(builder, DP_FILTER_BAIL, allowed);
}

static bool
walk(struct dp_tables_builder *builder, uint32_t id, struct dp_class_set *allowed, uint16_t rule)
{
	const struct dp_filter_node *node = &builder->dag->nodes[id];
	if (!count_step(builder))
		return false;
	if (node->leaf)
		return node->answer == DP_FILTER_NO_MATCH || add_alternative(builder, node->answer, allowed);
	if (builder->sight[id] == DP_SIGHT_SEGMENT)
		return walk(builder, node->yes, allowed, rule);
	if (builder->sight[id] == DP_SIGHT_OBSTACLE)
		return leave_to_program(builder, id, allowed, rule);
	return walk_field(builder, id, builder->sight[id] - DP_SIGHT_FIELD, allowed, rule);
}

static bool
takes_everything(const struct dp_tables_builder *builder, const struct dp_alternative *alternative)
{
	for (unsigned f = 0; f < builder->n_fields; f++)
		for (unsigned c = 0; c < builder->fields[f].n_classes; c++)
			if (!dp_class_has(&alternative->allowed[f], c))
				return false;
	return true;
}

/* The vetting program must have nothing against frames of the shape. */
static bool
is_vetted(const struct dp_tables_builder *builder)
{
	uint32_t id = builder->roots[0];
	while (builder->sight[id] == DP_SIGHT_SEGMENT)
		id = builder->dag->nodes[id].yes;
	return builder->dag->nodes[id].leaf && builder->dag->nodes[id].answer == DP_FILTER_NO_MATCH;
}

bool
dp_tables_find_alternatives(struct dp_tables_builder *builder)
{
	struct dp_class_set allowed[DP_TABLES_MAX_FIELDS];
	memset(allowed, 0xff, sizeof(allowed));
	if (!is_vetted(builder)) {
		builder->refused = "the headers are not vetted";
		return false;
	}
	for (unsigned rule = 0; rule + 1 < builder->n_roots; rule++) {
		unsigned before = builder->n_alternatives;
		if (!walk(builder, builder->roots[rule + 1], allowed, (uint16_t)rule))
			return false;
		for (unsigned a = before; a < builder->n_alternatives; a++)
			if (takes_everything(builder, &builder->alternatives[a])) {
				builder->n_alternatives = a + 1; /* nothing gets past it */
				return true;
			}
	}
	builder->refused = "no rule takes everything";
	return false;
}
