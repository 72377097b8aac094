/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-prover: the place where a rule list may go wrong. It runs the code that libpcap, our fuser and rte_bpf's
 * JIT made of the list before any lcore does, in a process of its own: should that code be broken, this dies and not
 * the data plane. Resident, since starting is dearer than proving. Answers in answer.h.
 */
#include <malloc.h>
#include <stdio.h>

#include "answer.h"
#include "prove.h"
#include "replay.h"
#include "request.h"

#define SEED 0x5111ea1

static void
prove(const struct dp_request *request)
{
	static unsigned hits[DP_MAX_RULES];
	struct dp_error error;
	struct dp_proof proof = {.hits = hits};
	for (unsigned i = 0; i < request->n; i++)
		hits[i] = 0;
	if (dp_prove(request->rules, request->n, SEED, request->packets, &proof, &error) != 0)
		dp_answer_refused(request->rules, request->n, &error);
	else
		dp_answer_proof(&proof, request->n);
}

int
main(void)
{
	for (;;) {
		struct dp_request request;
		const char *problem;
		int result = dp_request_read(&request, &problem);
		if (result > 0 && request.replay)
			dp_replay(request.rules, request.n, request.path);
		else if (result > 0)
			prove(&request);
		else if (result < 0)
			printf("failed %s\n", problem);
		dp_request_free(&request);
		fflush(stdout);
		malloc_trim(0);
		if (result <= 0)
			return result == 0 ? 0 : 64;
	}
}
