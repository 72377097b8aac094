/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor asks on stdin, one line each:
 *
 *   prove RULES PACKETS          or   replay RULES PATH
 *   rule EXPRESSIONS NAME        for each rule, followed by its expressions, one a line
 */
#ifndef DP_PROVER_REQUEST_H
#define DP_PROVER_REQUEST_H

#include <stdbool.h>

#include "classifier.h"

struct dp_request {
	bool replay;
	unsigned packets; /* of prove */
	char *path;	  /* of replay */
	unsigned n;
	struct dp_rule_source *rules;
};

/* 1: *request is filled; 0: end of input; -1: nothing that this program understands, *problem says what. */
int dp_request_read(struct dp_request *request, const char **problem);
void dp_request_free(struct dp_request *request);

#endif
