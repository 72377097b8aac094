/* SPDX-License-Identifier: Apache-2.0 */
/* A rule list as lcores read it. Made on the control thread, immutable but for each lcore's own sides of the limits. */
#ifndef DP_RULES_H
#define DP_RULES_H

#include "classifier.h"
#include "counters.h"
#include "dataplane.h"
#include "limiter.h"

struct dp_action {
	uint8_t verdict; /* enum dp_verdict */
	uint8_t klass;	 /* enum dp_class */
	bool limited;
};

struct dp_rules {
	struct dp_classifier *classifier; /* NULL: the default takes everything */
	unsigned n;
	uint16_t default_index;
	bool default_forwards;
	struct dp_action actions[DP_MAX_RULES];
	struct dp_rule_row *rows[DP_MAX_LCORES];   /* [lcore][rule]; that lcore: write */
	struct dp_limiter *limiters[DP_MAX_RULES]; /* [rule][lcore]; that lcore: write; NULL: no limit */
};

/* The first `n_receiving` of the lcores receive, and share the rules' limits. Takes `classifier`, also when it fails.
 */
struct dp_rules *dp_rules_new(const struct dp_rule *rules, unsigned n, struct dp_classifier *classifier,
			      unsigned n_lcores, const unsigned *lcore_ids, unsigned n_receiving,
			      struct dp_error *error);
void dp_rules_free(struct dp_rules *rules);

#endif
