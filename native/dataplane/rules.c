/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "error.h"

static int
check_list(const struct dp_rule *rules, unsigned n, const char *call, struct dp_error *error)
{
	if (n != 0 && n <= DP_MAX_RULES && rules[n - 1].n_match == 0)
		return 0;
	return dp_fail(error, EINVAL, call, "rule list",
		       "need 1 to %d rules of which the last matches everything, found %u", DP_MAX_RULES, n);
}

int
dp_compile_rules(const struct dp_rule *rules, unsigned n, struct dp_classifier **classifier, struct dp_error *error)
{
	*classifier = NULL;
	if (check_list(rules, n, "dp_compile_rules", error) < 0)
		return -1;
	if (n == 1)
		return 0;
	struct dp_rule_source *sources = calloc(n, sizeof(*sources));
	if (sources == NULL)
		return dp_fail(error, ENOMEM, "dp_compile_rules", "rule list", "out of memory");
	for (unsigned i = 0; i < n; i++)
		sources[i] = (struct dp_rule_source){
			.name = rules[i].name, .match = rules[i].match, .n_match = rules[i].n_match};
	*classifier = dp_classifier_new(sources, n, 0, error);
	free(sources);
	return *classifier == NULL ? -1 : 0;
}

static int
make_limiters(struct dp_rules *made, const struct dp_rule *rules, unsigned n_receiving, struct dp_error *error)
{
	uint64_t now = rte_rdtsc();
	for (unsigned r = 0; r < made->n; r++) {
		if (rules[r].limit.pps == 0)
			continue;
		made->limiters[r] = aligned_alloc(64, n_receiving * sizeof(struct dp_limiter));
		if (made->limiters[r] == NULL)
			return dp_fail(error, ENOMEM, "dp_swap_rules", "rule list", "out of memory");
		dp_limiters_init(made->limiters[r], n_receiving, rules[r].limit, rte_get_tsc_hz(), now);
	}
	return 0;
}

struct dp_rules *
dp_rules_new(const struct dp_rule *rules, unsigned n, struct dp_classifier *classifier, unsigned n_lcores,
	     const unsigned *lcore_ids, unsigned n_receiving, struct dp_error *error)
{
	struct dp_rules *made = calloc(1, sizeof(*made));
	if (made == NULL) {
		dp_classifier_free(classifier);
		dp_fail(error, ENOMEM, "dp_swap_rules", "rule list", "out of memory");
		return NULL;
	}
	made->classifier = classifier;
	if (check_list(rules, n, "dp_swap_rules", error) < 0)
		goto fail;
	made->n = n;
	made->default_index = (uint16_t)(n - 1);
	made->default_forwards = rules[n - 1].verdict == DP_VERDICT_FORWARD;
	for (unsigned r = 0; r < n; r++)
		made->actions[r] = (struct dp_action){.verdict = (uint8_t)rules[r].verdict,
						      .klass = (uint8_t)rules[r].klass,
						      .limited = rules[r].limit.pps != 0};
	if (make_limiters(made, rules, n_receiving, error) < 0)
		goto fail;
	if (dp_counters_new_rules(rules, n, n_lcores, lcore_ids, made->rows, error) < 0)
		goto fail;
	return made;
fail:
	dp_rules_free(made);
	return NULL;
}

void
dp_rules_free(struct dp_rules *rules)
{
	if (rules == NULL)
		return;
	dp_classifier_free(rules->classifier);
	for (unsigned r = 0; r < rules->n; r++)
		free(rules->limiters[r]);
	free(rules);
}
