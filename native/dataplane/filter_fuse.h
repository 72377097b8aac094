/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuses the programs of a rule list into one decision DAG. A program's `ret 0`, and a load beyond the frame's end,
 * go on at the next program; any other return ends at a leaf that says which rule it was. The programs are run
 * symbolically: what A and X hold is an expression of the packet, and each branch teaches a fact, so a test whose
 * outcome is known on a path is not in the DAG, nor one that makes no difference there.
 */
#ifndef DP_FILTER_FUSE_H
#define DP_FILTER_FUSE_H

#include "filter_dag.h"

struct dp_error;
struct dp_filter_source;

/* 0: what is known is carried from program to program; 1: it is forgotten in between. */
#define DP_FILTER_EFFORTS 2

/* Returns 0, or -1 with *error; -1 with errnum E2BIG: a smaller effort (a larger number) may do. */
int dp_filter_fuse(struct dp_filter_dag *dag, const struct dp_filter_source *source, enum dp_filter_variant variant,
		   unsigned effort, struct dp_error *error);

/*
 * Each rule alone, under what each shape of filter_shape.h says of a frame, in one DAG:
 * roots[shape * (n_rules + 1) + 1 + rule] leads to the rule's index, DP_FILTER_NO_MATCH or DP_FILTER_BAIL;
 * roots[shape * (n_rules + 1)] is the vetting program, DP_FILTER_NO_MATCH where it has no objection.
 */
int dp_filter_fuse_by_shape(struct dp_filter_dag *dag, const struct dp_filter_source *source, unsigned n_rules,
			    uint32_t *roots, struct dp_error *error);

#endif
