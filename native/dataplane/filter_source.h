/* SPDX-License-Identifier: Apache-2.0 */
/* From the operator's text to libpcap's classic BPF: one program per expression, in the order of the rules. */
#ifndef DP_FILTER_SOURCE_H
#define DP_FILTER_SOURCE_H

#include <pcap/pcap.h>

#include "classifier.h"

#define DP_FILTER_MAX_TEXT 4096 /* bytes of one expression: 230 hosts, half a second in libpcap's optimiser */
#define DP_FILTER_MAX_PROGRAMS 2048

struct dp_filter_program {
	unsigned rule;		    /* index in the list */
	struct bpf_program classic; /* bf_len 0: the rule matches everything */
};

struct dp_filter_source {
	unsigned n;
	struct dp_filter_program *programs;
};

/* Returns 0, or -1 with *error naming the rule. */
int dp_filter_source_compile(struct dp_filter_source *source, const struct dp_rule_source *rules, unsigned n,
			     struct dp_error *error);
void dp_filter_source_free(struct dp_filter_source *source);

#endif
