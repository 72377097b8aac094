/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_PROVER_REPLAY_H
#define DP_PROVER_REPLAY_H

#include "classifier.h"

/*
 * Prints a line `packet NUMBER LENGTH RULE` for each packet of a capture file, RULE being an index or `truncated`,
 * and at last `done PACKETS`; or `failed TEXT`. The file may hold anything.
 */
void dp_replay(const struct dp_rule_source *rules, unsigned n, const char *path);

#endif
