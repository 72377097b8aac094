/* SPDX-License-Identifier: Apache-2.0 */
#include "affinity.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "refuse.h"

static struct dp_cpus
choose_housekeeping(const char *shared, const struct dp_cpus *allowed)
{
	struct dp_cpus chosen;
	if (shared != NULL && dp_cpus_parse(shared, &chosen)) {
		dp_cpus_intersect(&chosen, allowed);
		if (dp_cpus_lowest(&chosen) < DP_MAX_CPUS)
			return chosen;
	}
	memset(&chosen, 0, sizeof(chosen));
	dp_cpus_add(&chosen, dp_cpus_lowest(allowed));
	return chosen;
}

void
dp_narrow_affinity(const char *shared, struct dp_cpus *before)
{
	/* The system calls and not glibc's cpu_set_t, which ends at CPU 1023. */
	memset(before, 0, sizeof(*before));
	if (syscall(SYS_sched_getaffinity, 0, sizeof(*before), before) < 0) {
		dp_warn("cannot read which CPUs it may use (%m); node may run on those that poll");
		return;
	}
	struct dp_cpus chosen = choose_housekeeping(shared, before);
	if (syscall(SYS_sched_setaffinity, 0, sizeof(chosen), &chosen) != 0)
		dp_warn("cannot move to the housekeeping CPUs (%m); node may run on those that poll");
}
