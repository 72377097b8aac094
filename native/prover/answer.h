/* SPDX-License-Identifier: Apache-2.0 */
/* What goes back to the supervisor on stdout: always whole lines without control characters. */
#ifndef DP_PROVER_ANSWER_H
#define DP_PROVER_ANSWER_H

#include "classifier.h"
#include "prove.h"

__attribute__((format(printf, 1, 2))) void dp_answer_line(const char *format, ...);
/* `refused INDEX CALL: TEXT`, INDEX being -1 when it is about the list as a whole. */
void dp_answer_refused(const struct dp_rule_source *rules, unsigned n, const struct dp_error *error);
/* `ok KEY=NUMBER ... hits=N,N,...`, or `mismatch TEXT` */
void dp_answer_proof(const struct dp_proof *proof, unsigned n);

#endif
