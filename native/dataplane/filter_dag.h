/* SPDX-License-Identifier: Apache-2.0 */
/* The decision DAG of a whole rule list: what filter_fuse.c makes and filter_emit_*.c turn into eBPF. */
#ifndef DP_FILTER_DAG_H
#define DP_FILTER_DAG_H

#include "filter_expr.h"
#include "filter_facts.h"

/* Leaf of the fast variant: only the exact program can tell. */
#define DP_FILTER_BAIL 0xfffe
/* Leaf of a rule fused alone: the packet is not for it. */
#define DP_FILTER_NO_MATCH 0xfffd

/* Bytes that the fast variant asks of the first segment before anything else: IPv4 with ports, ARP. */
#define DP_FILTER_WINDOW 42
/* Further bytes are asked for in this step: what every frame from a wire has. */
#define DP_FILTER_WIRE_MIN 60

#define DP_FILTER_MAX_NODES 60000

enum dp_filter_variant {
	DP_FILTER_EXACT, /* loads are checked against the frame's length */
	DP_FILTER_FAST,	 /* loads are checked against the first segment's length, and bail; headers are vetted */
};

struct dp_filter_node {
	bool leaf;
	uint16_t answer;     /* of a leaf */
	bool likely;	     /* the test, when made, mostly says yes */
	bool yes_needs_test; /* what follows `yes` is safe only when the test said yes */
	bool no_needs_test;
	struct dp_test test;
	uint32_t yes; /* node ids */
	uint32_t no;
	struct dp_support support; /* all that this test and those after it look at */
};

struct dp_filter_dag {
	enum dp_filter_variant variant;
	struct dp_expr_table exprs;
	struct dp_filter_node *nodes;
	uint32_t n;
	uint32_t root;
	unsigned effort; /* see struct dp_classifier_info */
};

void dp_filter_dag_free(struct dp_filter_dag *dag);

#endif
