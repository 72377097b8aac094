/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fused program for a whole rule list: which rule takes this packet?
 *
 *   text --libpcap--> classic BPF  (filter_source)   the language and the oracle
 *        --fuse-----> decision DAG (filter_fuse)     every known fact used; once for all programs together:
 *          --emit--> two eBPF programs (filter_emit), loaded by rte_bpf and compiled by its JIT:
 *            fast   reads the first segment directly; answers DP_FILTER_BAIL where that is not enough
 *            exact  any mbuf, any length; runs after filter_headers has looked at the frame
 *                                                  and once for each rule under each shape of ordinary frames:
 *          --pack--> tables (filter_tables), which answer for a burst at a time; what they leave, the programs take
 *
 * A classifier never changes after dp_classifier_new(): any number of lcores may read it, while the control
 * thread makes the next one. Nothing here needs EAL.
 */
#ifndef DP_CLASSIFIER_H
#define DP_CLASSIFIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "dataplane.h"

/* The frame ends within its VLAN tags, its IPv4 header or its IPv6 header chain. */
#define DP_CLASSIFY_TRUNCATED 0xffff

/* One rule: matches when any of its pcap-filter(7) expressions does; with none it matches everything. */
struct dp_rule_source {
	const char *name;
	const char *const *match;
	unsigned n_match;
};

enum dp_classifier_flags {
	DP_CLASSIFIER_INTERPRET = 1,  /* rte_bpf's interpreter even where there is a JIT */
	DP_CLASSIFIER_EXACT_ONLY = 2, /* every packet through the exact program, not only where it must */
	DP_CLASSIFIER_FUSED_ONLY = 4, /* no tables: every packet through the fused programs */
};

struct dp_classifier_info {
	unsigned rules;
	unsigned programs;     /* classic BPF programs that were fused */
	unsigned source_insns; /* their instructions */
	unsigned fast_insns;   /* 0: there is no fast program */
	unsigned exact_insns;
	size_t fast_jit_bytes;
	size_t exact_jit_bytes;
	bool jit;	      /* false: interpreted */
	unsigned relaid;      /* times that a program was laid out anew because the JIT got its jumps wrong */
	unsigned fuse_effort; /* 0: all that is known is used; 1: a long list, whose programs are merely chained */
	unsigned shapes;      /* of ordinary frames that there are, and for how many of them there are tables */
	unsigned table_shapes;
	unsigned partial_shapes; /* those of them for which some packets are left to the fused program */
	unsigned table_fields;	 /* at most, of one shape */
	unsigned table_alternatives;
	size_t table_bytes;
	const char *
		obstacle; /* what the first shape without tables, or with partial ones, has in its way; NULL: nothing */
	const char *obstacle_shape;
	int obstacle_rule; /* -1: all of them together */
};

struct dp_classifier;

/*
 * Compiles `rules`, of which the last must match everything (no expression). May take a second for expressions of
 * many hundred hosts: libpcap's optimiser. Returns NULL with *error filled: subject is the rule's name, message
 * libpcap's text.
 */
struct dp_classifier *dp_classifier_new(const struct dp_rule_source *rules, unsigned n, unsigned flags,
					struct dp_error *error);
void dp_classifier_free(struct dp_classifier *classifier);
void dp_classifier_describe(const struct dp_classifier *classifier, struct dp_classifier_info *info);

/* index[i] = the first rule that matches pkts[i], or DP_CLASSIFY_TRUNCATED. */
void dp_classify_burst(const struct dp_classifier *classifier, struct rte_mbuf **pkts, uint16_t n, uint16_t *index);

/* The same for one packet by a program and engine of choice (`flags`): for the prover and tests, which compare them. */
uint16_t dp_classify_one(const struct dp_classifier *classifier, struct rte_mbuf *pkt, unsigned flags);

/* The number of the shape whose tables are asked about the packet, or -1: for the same two. */
int dp_classify_shape(const struct dp_classifier *classifier, const struct rte_mbuf *pkt);

#endif
