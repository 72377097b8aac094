/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "filter_fuse.h"
#include "filter_tables_internal.h"

#define MAX_BYTES (8u << 20)
#define MAX_STEPS 20000000

struct dp_table_memory {
	struct dp_table_memory *next;
	size_t size;
	uint64_t bytes[];
};

void *
dp_tables_allocate(struct dp_filter_tables *tables, size_t size)
{
	if (tables->bytes + size > MAX_BYTES)
		return NULL;
	struct dp_table_memory *memory = calloc(1, sizeof(*memory) + size);
	if (memory == NULL)
		return NULL;
	memory->next = tables->memory;
	memory->size = size;
	tables->memory = memory;
	tables->bytes += size;
	return memory->bytes;
}

const void *
dp_tables_share(struct dp_filter_tables *tables, const void *bytes, size_t size)
{
	for (const struct dp_table_memory *memory = tables->memory; memory != NULL; memory = memory->next)
		if (memory->size == size && memcmp(memory->bytes, bytes, size) == 0)
			return memory->bytes;
	void *copy = dp_tables_allocate(tables, size);
	if (copy != NULL)
		memcpy(copy, bytes, size);
	return copy;
}

void
dp_filter_tables_free(struct dp_filter_tables *tables)
{
	if (tables == NULL)
		return;
	while (tables->memory != NULL) {
		struct dp_table_memory *memory = tables->memory;
		tables->memory = memory->next;
		free(memory);
	}
	free(tables);
}

static void
make_shape(struct dp_filter_tables *tables, struct dp_shape_tables *shape, struct dp_tables_builder *builder)
{
	bool made = dp_tables_find_fields(builder) && dp_tables_find_alternatives(builder);
	/* When the last takes everything to the fused program, only what earlier rules take would be answered. */
	if (made && builder->alternatives[builder->n_alternatives - 1].answer != DP_FILTER_BAIL)
		made = dp_tables_pack(tables, shape, builder);
	else
		made = false;
	if (!made)
		shape->words = 0;
	shape->obstacle = builder->refused != NULL ? builder->refused : builder->obstacle;
	shape->obstacle_rule = builder->refused != NULL ? -1 : builder->obstacle_rule;
}

static void
open_shapes(struct dp_filter_tables *tables)
{
	for (unsigned network = 0; network < DP_NETWORKS; network++)
		for (unsigned protocol = 0; protocol < 256; protocol++) {
			uint8_t shape = dp_filter_shape_of_protocol((enum dp_filter_network)network, (uint8_t)protocol);
			bool there = shape != DP_SHAPE_NONE && tables->shapes[shape].words != 0;
			tables->by_protocol[network][protocol] = there ? shape : DP_SHAPE_NONE;
		}
}

static int
make_shapes(struct dp_filter_tables *tables, const struct dp_filter_dag *dag, const uint32_t *roots, unsigned n_rules,
	    struct dp_error *error)
{
	struct dp_tables_builder common = {.dag = dag, .n_roots = n_rules + 1, .steps_left = MAX_STEPS};
	common.fields = malloc(DP_TABLES_MAX_FIELDS * sizeof(*common.fields));
	common.sight = malloc(dag->n);
	common.alternatives = malloc(DP_TABLES_MAX_ALTERNATIVES * sizeof(*common.alternatives));
	common.targets = malloc(DP_TABLES_MAX_TARGETS * sizeof(*common.targets));
	int result = 0;
	if (common.fields == NULL || common.sight == NULL || common.alternatives == NULL || common.targets == NULL)
		result = dp_fail(error, ENOMEM, "dp_classifier_new", "rule list", "out of memory");
	for (unsigned shape = 0; result == 0 && shape < DP_SHAPES; shape++) {
		struct dp_tables_builder builder = common;
		builder.roots = roots + (size_t)shape * builder.n_roots;
		builder.least = dp_filter_shape_least(shape);
		builder.most = builder.least > DP_FILTER_WIRE_MIN ? builder.least : DP_FILTER_WIRE_MIN;
		make_shape(tables, &tables->shapes[shape], &builder);
		common.steps_left = builder.steps_left;
	}
	free(common.fields);
	free(common.sight);
	free(common.alternatives);
	free(common.targets);
	open_shapes(tables);
	return result;
}

int
dp_filter_tables_make(struct dp_filter_tables **made, const struct dp_filter_source *source, unsigned n_rules,
		      struct dp_error *error)
{
	struct dp_filter_dag dag;
	struct dp_filter_tables *tables = calloc(1, sizeof(*tables));
	uint32_t *roots = calloc((size_t)DP_SHAPES * (n_rules + 1), sizeof(*roots));
	int result = -1;
	if (tables == NULL || roots == NULL) {
		dp_fail(error, ENOMEM, "dp_classifier_new", "rule list", "out of memory");
	} else if (dp_filter_fuse_by_shape(&dag, source, n_rules, roots, error) == 0) {
		result = make_shapes(tables, &dag, roots, n_rules, error);
		dp_filter_dag_free(&dag);
	}
	free(roots);
	if (result != 0)
		dp_filter_tables_free(tables);
	*made = result == 0 ? tables : NULL;
	return result;
}
