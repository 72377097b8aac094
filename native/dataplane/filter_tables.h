/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast form of a rule list: tables by shape of frame (filter_shape.h).
 *
 * Under what a shape says, a rule comes down to a few alternatives, each a set of values for each of a few fields. A
 * field is what programs load at one place of the frame. For each value of a field its table has the alternatives that
 * this value allows, a bit for each; the lowest bit that all fields have in common is the first alternative of the
 * first rule that takes the packet. (T. V. Lakshman, D. Stiliadis: High-speed policy-based packet forwarding using
 * efficient multi-dimensional range matching, SIGCOMM 1998, but with sets of values instead of ranges.)
 *
 * Everything is derived from the decision DAG of libpcap's programs. What has no place in a table (arithmetic, a field
 * whose place depends on another) becomes an alternative that leaves the packets which get there to the fused program;
 * so does every frame of no shape.
 */
#ifndef DP_FILTER_TABLES_H
#define DP_FILTER_TABLES_H

#include <rte_mbuf_core.h>

#include "filter_shape.h"

#define DP_TABLES_MAX_FIELDS 16
#define DP_TABLES_MAX_ALTERNATIVES 1024
#define DP_TABLES_MAX_WORDS (DP_TABLES_MAX_ALTERNATIVES / 64)

struct dp_filter_source;
struct dp_error;

enum dp_field_kind {
	DP_FIELD_BYTE,
	DP_FIELD_HALF,
	DP_FIELD_WORD,	   /* some bits of four bytes, compared for equality */
	DP_FIELD_ONE_WORD, /* the same with one value only */
	DP_FIELD_LENGTH,   /* of the frame, or 65535 */
};

struct dp_word_slot {
	uint32_t key; /* as loaded, masked */
	uint32_t class;
};

/* Values that no rule tells apart are one class, and have one row. */
struct dp_field_table {
	enum dp_field_kind kind;
	uint32_t offset;
	uint32_t mask;		    /* word: as loaded */
	uint32_t multiplier;	    /* word: a hash that gives each key a slot of its own */
	uint32_t shift;		    /* word */
	uint32_t key;		    /* one word: the value of class 1, as loaded, masked */
	struct dp_word_slot *slots; /* word: a key that is not there is of class 0 */
	const uint16_t *class_of;   /* [value as loaded], except word */
	uint64_t *rows;		    /* [class * words] */
};

struct dp_shape_tables {
	uint16_t least; /* bytes that must be in the first segment */
	uint16_t words; /* of a row; 0: there are no tables for this shape */
	uint16_t n_fields;
	uint16_t n_alternatives;
	uint16_t *answers; /* [alternative] */
	bool asks_length;
	bool bails; /* some alternative is left to the fused program */
	struct dp_field_table fields[DP_TABLES_MAX_FIELDS];
	const char *obstacle; /* what the first alternative, or all, is left to the fused program for; NULL: nothing */
	int obstacle_rule;    /* -1: all together */
};

struct dp_filter_tables {
	uint8_t by_protocol[DP_NETWORKS][256]; /* only shapes that there are tables for, and DP_SHAPE_NONE */
	struct dp_shape_tables shapes[DP_SHAPES];
	size_t bytes;
	struct dp_table_memory *memory;
};

/*
 * Returns 0, or -1 with *error when there are no tables for any shape. A list of 64 rules takes some milliseconds.
 */
int dp_filter_tables_make(struct dp_filter_tables **tables, const struct dp_filter_source *source, unsigned n_rules,
			  struct dp_error *error);
void dp_filter_tables_free(struct dp_filter_tables *tables);

/*
 * index[i] = the first rule that takes pkts[i], or DP_FILTER_BAIL. Returns false when there certainly is none of the
 * latter.
 */
bool dp_filter_tables_classify(const struct dp_filter_tables *tables, struct rte_mbuf *const *pkts, uint16_t n,
			       uint16_t *index);

/* The shape whose tables answer for the packet, or DP_SHAPE_NONE. */
uint8_t dp_filter_tables_shape(const struct dp_filter_tables *tables, const struct rte_mbuf *pkt);

#endif
