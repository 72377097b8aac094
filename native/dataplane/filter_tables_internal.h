/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How tables come from the DAG, for one shape at a time: fields and their classes of values (filter_tables_fields.c),
 * alternatives as sets of classes (filter_tables_alternatives.c), rows and ways to find them (filter_tables_pack.c).
 */
#ifndef DP_FILTER_TABLES_INTERNAL_H
#define DP_FILTER_TABLES_INTERNAL_H

#include "filter_dag.h"
#include "filter_tables.h"

#define DP_TABLES_MAX_CLASSES 1024
#define DP_TABLES_MAX_TARGETS (1u << 18)

/* Values of a field that no test of the list tells apart are one class. */
struct dp_field {
	enum dp_field_kind kind;
	uint32_t offset;
	uint32_t mask; /* word */
	unsigned n_classes;
	uint32_t values[DP_TABLES_MAX_CLASSES]; /* a value of each class; word: class 0 is any that is not among them */
	uint16_t class_of[1u << 16];		/* [value]; not for words */
};

struct dp_class_set {
	uint64_t bits[DP_TABLES_MAX_CLASSES / 64];
};

/* Taken by packets whose every field has a value of one of the classes. */
struct dp_alternative {
	uint16_t answer;
	struct dp_class_set allowed[DP_TABLES_MAX_FIELDS];
};

/* What the tests of one shape look at. */
enum dp_node_sight {
	DP_SIGHT_NONE = 0,	  /* not reached */
	DP_SIGHT_FIELD = 1,	  /* and above: the field's number plus this */
	DP_SIGHT_SEGMENT = 0xfe,  /* asks for bytes that the shape may as well ask for itself */
	DP_SIGHT_OBSTACLE = 0xff, /* no table can answer it */
};

struct dp_tables_builder {
	const struct dp_filter_dag *dag;
	const uint32_t *roots; /* of this shape, [0] of the vetting program */
	unsigned n_roots;
	uint16_t least;
	uint16_t most; /* that `least` may become */
	unsigned n_fields;
	struct dp_field *fields;
	uint8_t *sight;
	unsigned n_alternatives;
	struct dp_alternative *alternatives;
	uint32_t *targets; /* a stack: where each class of a field leads */
	uint32_t n_targets;
	unsigned depth;
	uint32_t steps_left;
	const char *obstacle; /* the first one met on the way */
	uint16_t obstacle_rule;
	const char *refused; /* why there are no tables for this shape */
};

/* Finds fields and their classes. False: see `refused`. */
bool dp_tables_find_fields(struct dp_tables_builder *builder);
/* The answer of a test for values of a class. */
bool dp_tables_holds(const struct dp_tables_builder *builder, const struct dp_test *test, const struct dp_field *field,
		     unsigned class);
const char *dp_tables_obstacle(const struct dp_tables_builder *builder, uint32_t node);

bool dp_tables_find_alternatives(struct dp_tables_builder *builder);

static inline bool
dp_class_has(const struct dp_class_set *set, unsigned class)
{
	return set->bits[class / 64] >> class % 64 & 1;
}

static inline void
dp_class_add(struct dp_class_set *set, unsigned class)
{
	set->bits[class / 64] |= UINT64_C(1) << class % 64;
}

/* Memory that is freed as a whole. */
void *dp_tables_allocate(struct dp_filter_tables *tables, size_t size);
/* A copy of these bytes, which others may have: source and destination ports, of IPv4 and IPv6, are often classed
 * alike. */
const void *dp_tables_share(struct dp_filter_tables *tables, const void *bytes, size_t size);
/* Fills the shape's tables. False: see `refused`. */
bool dp_tables_pack(struct dp_filter_tables *tables, struct dp_shape_tables *shape, struct dp_tables_builder *builder);

#endif
