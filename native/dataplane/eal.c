/* SPDX-License-Identifier: Apache-2.0 */
#include "eal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_version.h>

#include "error.h"

const char *
dp_version(void)
{
	return rte_version() + sizeof("DPDK ") - 1;
}

int
dp_eal_start(const struct dp_plan *plan, struct dp_error *error)
{
	/* EAL keeps pointers into argv, reorders it and overwrites its last entry: it is the process's. */
	static char *argv[DP_MAX_EAL_ARGS + 2] = {"spillway"};
	if (plan->n_eal_args > DP_MAX_EAL_ARGS)
		return dp_fail(error, E2BIG, "rte_eal_init", "EAL", "%u arguments, at most %d fit", plan->n_eal_args,
			       DP_MAX_EAL_ARGS);
	memcpy(argv + 1, plan->eal_args, plan->n_eal_args * sizeof(*argv));
	if (rte_eal_init((int)plan->n_eal_args + 1, argv) < 0)
		return dp_fail(error, rte_errno, "rte_eal_init", "EAL", "%s", rte_strerror(rte_errno));
	for (unsigned i = 0; i < plan->n_lcores; i++)
		if (!rte_lcore_is_enabled(plan->lcore_ids[i]))
			return dp_fail(error, EINVAL, "rte_lcore_is_enabled", "EAL",
				       "lcore %u is not among EAL's lcores", plan->lcore_ids[i]);
	return 0;
}

static pthread_mutex_t devices = PTHREAD_MUTEX_INITIALIZER;

void
dp_eal_hold_devices(void)
{
	pthread_mutex_lock(&devices);
}

bool
dp_eal_try_hold_devices(void)
{
	return pthread_mutex_trylock(&devices) == 0;
}

void
dp_eal_release_devices(void)
{
	pthread_mutex_unlock(&devices);
}

int
dp_eal_probe(const char *devargs, uint16_t *port_id, struct dp_error *error)
{
	uint64_t before[RTE_MAX_ETHPORTS / 64 + 1] = {0};
	uint16_t id;
	RTE_ETH_FOREACH_DEV(id)
		before[id / 64] |= UINT64_C(1) << (id % 64);
	int rc = rte_dev_probe(devargs);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_dev_probe", devargs, "%s", rte_strerror(-rc));
	RTE_ETH_FOREACH_DEV(id) {
		if ((before[id / 64] & (UINT64_C(1) << (id % 64))) == 0) {
			*port_id = id;
			return 0;
		}
	}
	return dp_fail(error, ENODEV, "rte_dev_probe", devargs,
		       "the device was probed, but no driver made an Ethernet port of it");
}
