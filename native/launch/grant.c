/* SPDX-License-Identifier: Apache-2.0 */
#include "grant.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../privilege/capabilities.h"
#include "refuse.h"

/*
 * All that is ever passed on. SYS_NICE is not among them: runtimes whose seccomp profile gates the NUMA calls look at
 * what the pod adds, not at what the process has.
 */
static const struct {
	unsigned number;
	const char *name;
} wanted[] = {
	{CAP_IPC_LOCK, "CAP_IPC_LOCK"},	  /* VFIO pins what the device may reach by DMA, beyond RLIMIT_MEMLOCK */
	{CAP_NET_RAW, "CAP_NET_RAW"},	  /* packet sockets of af_packet; raw packet queues of mlx5 */
	{CAP_NET_ADMIN, "CAP_NET_ADMIN"}, /* MTU, MAC and promiscuous mode of an mlx5 netdev; the PMD net_tap */
};
#define N_WANTED (sizeof(wanted) / sizeof(wanted[0]))

uint64_t
dp_grantable(void)
{
	struct dp_capabilities own;
	int result = dp_capabilities_read(&own);
	if (result != 0)
		dp_refuse(DP_EXIT_REFUSED, "need to read its own capabilities, found: %s", strerror(-result));
	if (geteuid() == 0)
		return 0;
	uint64_t granted = 0;
	for (unsigned i = 0; i < N_WANTED; i++) {
		uint64_t bit = DP_CAPABILITY(wanted[i].number);
		if ((own.permitted & bit) && dp_capability_is_bounded(wanted[i].number))
			granted |= bit;
	}
	return granted;
}

void
dp_grant(uint64_t granted)
{
	if (geteuid() == 0)
		return;
	/* The runtime's ambient capabilities that are not ours go too: ambient is never more than these sets. */
	const struct dp_capabilities sets = {.effective = granted, .permitted = granted, .inheritable = granted};
	int result = dp_capabilities_write(&sets);
	if (result != 0)
		dp_refuse(DP_EXIT_REFUSED, "need to narrow its capabilities, found: %s", strerror(-result));
	for (unsigned i = 0; i < N_WANTED; i++) {
		if (!(granted & DP_CAPABILITY(wanted[i].number)))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, wanted[i].number, 0, 0) != 0)
			dp_warn("%s cannot be passed on, the securebits or the kernel forbid it (%m); starting without",
				wanted[i].name);
	}
}
