/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-launch: the entrypoint of a pod that does not run as root. This file carries capabilities (`setcap ...+p`),
 * node does not: it passes on those that a data plane uses as ambient ones, leaves the CPUs that will poll, and becomes
 * node. Node and its children then have what the pod was granted, without being a "secure" program (AT_SECURE) that
 * ignores half of its environment. docs/privileges.md says who needs that.
 *
 * It runs one node with one entry point, both fixed when it was built, and takes no option: every argument is
 * Spillway's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "affinity.h"
#include "environment.h"
#include "grant.h"
#include "refuse.h"
#include "trust.h"

extern char **environ;

/* Else the first file that node opens would become its stdout. */
static void
open_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(DP_EXIT_REFUSED);
}

static void
refuse_set_ids(void)
{
	if (geteuid() != getuid() || getegid() != getgid())
		dp_refuse(DP_EXIT_REFUSED,
			  "need to run as its caller, found a set-user-ID or set-group-ID bit on this file; "
			  "remove it (chmod u-s,g-s): file capabilities are enough");
}

/* With capabilities in hand a program that the caller can write would make this a launcher for anything. */
static void
refuse_replaceable(const char *path)
{
	char where[PATH_MAX];
	if (dp_caller_may_replace(path, where))
		dp_refuse(
			DP_EXIT_REFUSED,
			"need %s out of the caller's reach to pass capabilities on, found that uid %u may write %s; "
			"let root own it (chown root, chmod go-w), or take the capabilities off this file (setcap -r)",
			path, (unsigned)geteuid(), where);
}

static void
require_entry(void)
{
	if (access(LAUNCH_ENTRY, R_OK) != 0)
		dp_refuse(errno == ENOENT ? DP_EXIT_MISSING : DP_EXIT_REFUSED,
			  "need the program " LAUNCH_ENTRY ", found: %m; it was built for this place: build it again "
			  "with SPILLWAY_LAUNCH_ENTRY");
}

/* node, the entry point, and all arguments but our own name. */
static char **
make_arguments(int argc, char **argv)
{
	char **arguments = calloc((size_t)argc + 3, sizeof(*arguments));
	if (arguments == NULL)
		dp_refuse(DP_EXIT_REFUSED, "need memory for %d arguments, found none", argc);
	arguments[0] = LAUNCH_NODE;
	arguments[1] = LAUNCH_ENTRY;
	for (int i = 1; i < argc; i++)
		arguments[i + 1] = argv[i];
	return arguments;
}

static char **
make_environment(bool granted)
{
	struct dp_cpus allowed;
	char list[DP_CPU_LIST_MAX];
	dp_narrow_affinity(dp_find_variable(environ, "OPENSHIFT_SHARED_CPUS"), &allowed);
	dp_cpus_format(&allowed, list);
	char **environment = dp_clean_environment(environ, list, granted);
	if (environment == NULL)
		dp_refuse(DP_EXIT_REFUSED, "need memory for the environment, found none");
	return environment;
}

int
main(int argc, char **argv)
{
	open_standard_descriptors();
	refuse_set_ids();
	uint64_t granted = dp_grantable();
	if (granted != 0) {
		refuse_replaceable(LAUNCH_NODE);
		refuse_replaceable(LAUNCH_ENTRY);
	}
	require_entry();
	dp_grant(granted);
	char **arguments = make_arguments(argc, argv);
	execve(LAUNCH_NODE, arguments, make_environment(granted != 0));
	dp_refuse(errno == ENOENT ? DP_EXIT_MISSING : DP_EXIT_REFUSED,
		  "need to run " LAUNCH_NODE ", found: %m; this launcher was built for that node: build it again with "
		  "SPILLWAY_LAUNCH_NODE, or mend what is said there");
}
