/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about a packet on one path through the fused program. A set of facts never changes; learning one
 * makes a new set. Forgetting a fact is always allowed: it costs a test, never an answer.
 */
#ifndef DP_FILTER_FACTS_H
#define DP_FILTER_FACTS_H

#include "filter_expr.h"

enum dp_test_kind {
	DP_TEST_EQUAL,	 /* a == k */
	DP_TEST_ABOVE,	 /* a > k */
	DP_TEST_ABOVE_X, /* a > b */
	DP_TEST_INSIDE,	 /* a + k <= b, in more than 32 bits; b is DP_EXPR_LENGTH or DP_EXPR_SEGMENT */
};

struct dp_test {
	enum dp_test_kind kind;
	dp_expr_id a;
	dp_expr_id b;
	uint32_t k;
};

enum dp_answer { DP_ANSWER_NO, DP_ANSWER_YES, DP_ANSWER_OPEN };

enum dp_fact_kind {
	DP_FACT_BITS,	 /* expr & x == y; expr is a DP_EXPR_LOAD */
	DP_FACT_NOT,	 /* expr != x */
	DP_FACT_RANGE,	 /* x <= expr <= y */
	DP_FACT_INSIDE,	 /* expr + x <= the limit (y: its id) */
	DP_FACT_OUTSIDE, /* expr + x > the limit (y: its id) */
};

struct dp_fact {
	dp_expr_id expr;
	uint32_t kind;
	uint32_t x;
	uint32_t y;
};

#define DP_MAX_FACTS 64
#define DP_MAX_FACTS_NOT 12 /* of one expression: a long list of hosts need not be remembered whole */

struct dp_facts {
	uint32_t n;
	struct dp_fact facts[]; /* sorted */
};

struct dp_facts_builder {
	uint32_t n;
	struct dp_fact facts[DP_MAX_FACTS];
};

/* The value as far as the facts say, at best a constant. */
dp_expr_id dp_facts_simplify(const struct dp_facts *facts, struct dp_expr_table *table, dp_expr_id id);
/* Rewrites the test to what is left of it. DP_ANSWER_OPEN: it must be made. */
enum dp_answer dp_facts_decide(const struct dp_facts *facts, struct dp_expr_table *table, struct dp_test *test);
/* What is known once an open `test` was answered. */
void dp_facts_learn(const struct dp_facts *facts, const struct dp_expr_table *table, const struct dp_test *test,
		    bool answer, struct dp_facts_builder *learned);
/* Whether both say the same about everything that `support` touches. */
bool dp_facts_agree(const struct dp_facts *one, const struct dp_facts *other, const struct dp_expr_table *table,
		    const struct dp_support *support);

#endif
