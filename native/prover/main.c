/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-prover: the place where a rule list may go wrong. It runs the code that libpcap, our fuser and rte_bpf's
 * JIT made of the list before any lcore does, in a process of its own: should that code be broken, this dies and not
 * the data plane. Resident, since starting is dearer than proving. Answers in answer.h.
 */
#include <linux/capability.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../privilege/capabilities.h"
#include "../privilege/drop.h"
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

/* Broken code it runs shall find nothing to do harm with. Root may ask for a capture that lies in somebody's home. */
static int
give_up_privileges(void)
{
	int result = dp_drop_privileges(geteuid() == 0 ? DP_CAPABILITY(CAP_DAC_READ_SEARCH) : 0);
	if (result != 0)
		fprintf(stderr, "spillway-prover: need to give up its capabilities, found: %s\n", strerror(-result));
	return result;
}

int
main(void)
{
	if (give_up_privileges() != 0)
		return 69;
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
