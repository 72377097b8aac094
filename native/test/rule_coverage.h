/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells libFuzzer which tests of the rules' programs an input passes and fails. JIT code and libpcap carry no
 * instrumentation of their own, so that without this the fuzzer would not see that it has found a way into a rule.
 */
#ifndef RULE_COVERAGE_H
#define RULE_COVERAGE_H

#include <stdint.h>

#include "filter_source.h"

void rule_coverage_walk(const struct dp_filter_source *source, const uint8_t *frame, uint32_t length);

#endif
