/* SPDX-License-Identifier: Apache-2.0 */
/* What the answer must be: libpcap's own interpreter, rule by rule, on one piece of memory. */
#ifndef DP_PROVER_ORACLE_H
#define DP_PROVER_ORACLE_H

#include "filter_source.h"

struct dp_oracle {
	struct dp_filter_source source;
};

int dp_oracle_init(struct dp_oracle *oracle, const struct dp_rule_source *rules, unsigned n, struct dp_error *error);
void dp_oracle_free(struct dp_oracle *oracle);

/* Index of the first rule that matches, or DP_CLASSIFY_TRUNCATED. */
uint16_t dp_oracle_answer(const struct dp_oracle *oracle, const uint8_t *frame, uint32_t length);

#endif
