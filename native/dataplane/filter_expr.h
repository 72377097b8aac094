/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbolic values: what a classic BPF program has in A, X and its scratch memory, as an expression of the packet.
 * Equal expressions have equal ids (hash-consing), so comparing values is comparing numbers. All values are 32
 * bits wide and wrap like the filter machine's.
 */
#ifndef DP_FILTER_EXPR_H
#define DP_FILTER_EXPR_H

#include <stdbool.h>
#include <stdint.h>

enum dp_expr_op {
	DP_EXPR_CONST,	  /* k */
	DP_EXPR_LENGTH,	  /* bytes of the frame */
	DP_EXPR_SEGMENT,  /* bytes of its first segment */
	DP_EXPR_LOAD,	  /* big endian, `size` bytes at offset k */
	DP_EXPR_LOAD_VAR, /* the same at offset a + k */
	DP_EXPR_ADD,
	DP_EXPR_SUB,
	DP_EXPR_MUL,
	DP_EXPR_DIV,
	DP_EXPR_MOD,
	DP_EXPR_AND,
	DP_EXPR_OR,
	DP_EXPR_XOR,
	DP_EXPR_SHL,
	DP_EXPR_SHR,
};

typedef uint32_t dp_expr_id;

/* Which parts of the input a value depends on: a bit per byte of the frame's beginning, and three more. */
#define DP_SUPPORT_BYTES 189u
#define DP_SUPPORT_FAR 189 /* any byte beyond, or a byte whose place is not known */
#define DP_SUPPORT_LENGTH 190
#define DP_SUPPORT_SEGMENT 191

struct dp_support {
	uint64_t bits[3];
};

struct dp_expr {
	uint8_t op;
	uint8_t size;
	uint16_t weight; /* operations in the written-out tree, saturating */
	uint32_t k;
	dp_expr_id a;
	dp_expr_id b;
	uint32_t max; /* no packet gives more */
	struct dp_support support;
};

struct dp_expr_table {
	struct dp_expr *exprs; /* [id] */
	uint32_t n;
	uint32_t room;
	uint32_t *slots; /* hash table of ids + 1 */
	uint32_t n_slots;
	bool out_of_memory; /* then every id is 0, a constant */
};

bool dp_expr_table_init(struct dp_expr_table *table);
void dp_expr_table_free(struct dp_expr_table *table);

dp_expr_id dp_expr_const(struct dp_expr_table *table, uint32_t value);
dp_expr_id dp_expr_symbol(struct dp_expr_table *table, enum dp_expr_op op);
dp_expr_id dp_expr_load(struct dp_expr_table *table, uint8_t size, uint32_t offset);
dp_expr_id dp_expr_load_at(struct dp_expr_table *table, uint8_t size, dp_expr_id base, uint32_t offset);
/* Division by a constant zero and shifts by 32 and more are the caller's business. */
dp_expr_id dp_expr_binary(struct dp_expr_table *table, enum dp_expr_op op, dp_expr_id a, dp_expr_id b);

static inline bool
dp_expr_is_const(const struct dp_expr_table *table, dp_expr_id id)
{
	return table->exprs[id].op == DP_EXPR_CONST;
}

static inline void
dp_support_add(struct dp_support *to, const struct dp_support *from)
{
	for (int i = 0; i < 3; i++)
		to->bits[i] |= from->bits[i];
}

static inline bool
dp_support_meets(const struct dp_support *one, const struct dp_support *other)
{
	return ((one->bits[0] & other->bits[0]) | (one->bits[1] & other->bits[1]) | (one->bits[2] & other->bits[2])) !=
	       0;
}

static inline uint32_t
dp_load_max(uint8_t size)
{
	return size == 4 ? UINT32_MAX : (1u << size * 8) - 1;
}

#endif
