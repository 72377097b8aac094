/* SPDX-License-Identifier: Apache-2.0 */
/* From classes and alternatives to what lcores read. */
#include <stdlib.h>
#include <string.h>

#include "filter_tables_internal.h"

#define MAX_SLOT_BITS 14 /* 128 KiB */
#define TRIES 64	 /* multipliers for each number of slots */

/* Whether the field makes a difference to any alternative. */
static bool
matters(const struct dp_tables_builder *builder, unsigned f)
{
	for (unsigned a = 0; a < builder->n_alternatives; a++)
		for (unsigned c = 0; c < builder->fields[f].n_classes; c++)
			if (!dp_class_has(&builder->alternatives[a].allowed[f], c))
				return true;
	return false;
}

static bool
pack_rows(struct dp_filter_tables *tables, struct dp_field_table *table, const struct dp_tables_builder *builder,
	  unsigned f, unsigned words)
{
	unsigned n = builder->fields[f].n_classes;
	table->rows = dp_tables_allocate(tables, (size_t)n * words * sizeof(*table->rows));
	if (table->rows == NULL)
		return false;
	for (unsigned a = 0; a < builder->n_alternatives; a++)
		for (unsigned c = 0; c < n; c++)
			if (dp_class_has(&builder->alternatives[a].allowed[f], c))
				table->rows[c * words + a / 64] |= UINT64_C(1) << a % 64;
	return true;
}

/* A value as a load finds it: ports are big endian, a length is the host's. */
static uint16_t
as_loaded(const struct dp_field *field, uint16_t value)
{
	return field->kind == DP_FIELD_HALF ? rte_cpu_to_be_16(value) : value;
}

static bool
pack_values(struct dp_filter_tables *tables, struct dp_field_table *table, const struct dp_field *field)
{
	uint32_t n = field->kind == DP_FIELD_BYTE ? 1u << 8 : 1u << 16;
	uint16_t *class_of = malloc(n * sizeof(*class_of));
	if (class_of == NULL)
		return false;
	for (uint32_t value = 0; value < n; value++)
		class_of[as_loaded(field, (uint16_t)value)] = field->class_of[value];
	table->class_of = dp_tables_share(tables, class_of, n * sizeof(*class_of));
	free(class_of);
	return table->class_of != NULL;
}

/* Puts each key into a slot of its own, or fails. */
static bool
place_keys(struct dp_field_table *table, const struct dp_field *field, unsigned bits)
{
	memset(table->slots, 0, sizeof(*table->slots) << bits);
	for (unsigned c = 1; c < field->n_classes; c++) {
		uint32_t key = rte_cpu_to_be_32(field->values[c]);
		struct dp_word_slot *slot = &table->slots[key * table->multiplier >> table->shift];
		if (slot->class != 0)
			return false;
		*slot = (struct dp_word_slot){.key = key, .class = c};
	}
	return true;
}

static bool
pack_words(struct dp_filter_tables *tables, struct dp_field_table *table, const struct dp_field *field)
{
	static const size_t most = sizeof(struct dp_word_slot) << MAX_SLOT_BITS;
	struct dp_word_slot *slots = malloc(most);
	uint32_t random = 0x9e3779b1;
	bool placed = false;
	unsigned bits = 1;
	table->mask = rte_cpu_to_be_32(field->mask);
	table->slots = slots;
	while (1u << bits < 2 * field->n_classes)
		bits++;
	for (; slots != NULL && !placed && bits <= MAX_SLOT_BITS; bits++)
		for (unsigned i = 0; !placed && i < TRIES; i++, random = random * 1664525u + 1013904223u) {
			table->multiplier = random | 1;
			table->shift = 32 - bits;
			placed = place_keys(table, field, bits);
		}
	size_t size = sizeof(*slots) << (32 - table->shift);
	table->slots = placed ? dp_tables_allocate(tables, size) : NULL;
	if (table->slots != NULL)
		memcpy(table->slots, slots, size);
	free(slots);
	return table->slots != NULL;
}

static bool
pack_field(struct dp_filter_tables *tables, struct dp_shape_tables *shape, const struct dp_tables_builder *builder,
	   unsigned f)
{
	const struct dp_field *field = &builder->fields[f];
	struct dp_field_table *table = &shape->fields[shape->n_fields++];
	table->kind = field->kind;
	table->offset = field->offset;
	if (!pack_rows(tables, table, builder, f, shape->words))
		return false;
	shape->asks_length |= field->kind == DP_FIELD_LENGTH;
	if (field->kind == DP_FIELD_WORD && field->n_classes == 2) {
		table->kind = DP_FIELD_ONE_WORD;
		table->mask = rte_cpu_to_be_32(field->mask);
		table->key = rte_cpu_to_be_32(field->values[1]);
		return true;
	}
	return field->kind == DP_FIELD_WORD ? pack_words(tables, table, field) : pack_values(tables, table, field);
}

/* As many as there is code for: filter_tables_lookup.c. */
static uint16_t
words_for(unsigned n_alternatives)
{
	return n_alternatives <= 64 ? 1 : n_alternatives <= 128 ? 2 : n_alternatives <= 256 ? 4 : DP_TABLES_MAX_WORDS;
}

bool
dp_tables_pack(struct dp_filter_tables *tables, struct dp_shape_tables *shape, struct dp_tables_builder *builder)
{
	shape->least = builder->least;
	shape->words = words_for(builder->n_alternatives);
	shape->n_alternatives = (uint16_t)builder->n_alternatives;
	shape->answers = dp_tables_allocate(tables, builder->n_alternatives * sizeof(*shape->answers));
	bool packed = shape->answers != NULL;
	for (unsigned a = 0; packed && a < builder->n_alternatives; a++) {
		shape->answers[a] = builder->alternatives[a].answer;
		shape->bails |= shape->answers[a] == DP_FILTER_BAIL;
	}
	for (unsigned f = 0; packed && f < builder->n_fields; f++)
		if (matters(builder, f))
			packed = pack_field(tables, shape, builder, f);
	if (!packed)
		builder->refused = "the tables would be too large";
	return packed;
}
