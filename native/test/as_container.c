/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-as-container OPTION... -- PROGRAM ARGUMENT...: becomes PROGRAM as runc starts a container's entrypoint. Run
 * as root. Like a kubelet's runtime it gives capabilities as bounding, permitted and effective, not as inheritable or
 * ambient; what setpriv makes is none of that: it starts from root's full permitted set. Masks are hexadecimal, as in
 * /proc/self/status.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "capabilities.h"

struct container {
	uid_t uid;
	gid_t gid;
	uint64_t bounding;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
	rlim_t memlock;
	bool no_new_privs;
	bool no_arguments;
	const char *closed;
};

static const struct option options[] = {
	{"uid", required_argument, NULL, 'u'},
	{"gid", required_argument, NULL, 'g'},
	{"bounding", required_argument, NULL, 'b'},
	{"permitted", required_argument, NULL, 'p'},
	{"inheritable", required_argument, NULL, 'i'},
	{"ambient", required_argument, NULL, 'a'},
	{"memlock", required_argument, NULL, 'm'},
	{"no-new-privs", no_argument, NULL, 'n'},
	{"no-arguments", no_argument, NULL, '0'},
	{"close", required_argument, NULL, 'c'},
	{NULL, 0, NULL, 0},
};

static struct container
parse(int argc, char **argv)
{
	struct container c = {.uid = 1001, .gid = 1001, .memlock = RLIM_INFINITY, .closed = ""};
	for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
		switch (option) {
		case 'u':
			c.uid = (uid_t)strtoul(optarg, NULL, 10);
			break;
		case 'g':
			c.gid = (gid_t)strtoul(optarg, NULL, 10);
			break;
		case 'b':
			c.bounding = strtoull(optarg, NULL, 16);
			break;
		case 'p':
			c.permitted = strtoull(optarg, NULL, 16);
			break;
		case 'i':
			c.inheritable = strtoull(optarg, NULL, 16);
			break;
		case 'a':
			c.ambient = strtoull(optarg, NULL, 16);
			break;
		case 'm':
			c.memlock = (rlim_t)strtoull(optarg, NULL, 10);
			break;
		case 'n':
			c.no_new_privs = true;
			break;
		case '0':
			c.no_arguments = true;
			break;
		case 'c':
			c.closed = optarg;
			break;
		default:
			exit(64);
		}
	}
	return c;
}

/* What is inheritable already may stay so outside the bounding set. */
static void
make_inheritable(uint64_t inheritable)
{
	struct dp_capabilities sets;
	int result = dp_capabilities_read(&sets);
	sets.inheritable = inheritable;
	if (result != 0 || (result = dp_capabilities_write(&sets)) != 0)
		errx(69, "setting inheritable capabilities: %s", strerror(-result));
}

static void
bound(uint64_t bounding)
{
	for (unsigned number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
		if (!(bounding & DP_CAPABILITY(number)) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0)
			err(69, "dropping capability %u from the bounding set", number);
}

static void
become_user(const struct container *c)
{
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups(0, NULL) != 0 ||
	    setresgid(c->gid, c->gid, c->gid) != 0 || setresuid(c->uid, c->uid, c->uid) != 0 ||
	    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0)
		err(69, "becoming uid %u", (unsigned)c->uid);
}

static void
set_capabilities(const struct container *c)
{
	const struct dp_capabilities sets = {
		.effective = c->permitted, .permitted = c->permitted, .inheritable = c->inheritable};
	int result = dp_capabilities_write(&sets);
	if (result != 0)
		errx(69, "setting capabilities: %s", strerror(-result));
	for (unsigned number = 0; number < 64; number++)
		if ((c->ambient & DP_CAPABILITY(number)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0)
			err(69, "raising ambient capability %u", number);
}

int
main(int argc, char **argv)
{
	const struct container c = parse(argc, argv);
	if (optind >= argc)
		errx(64, "usage: spillway-as-container OPTION... -- PROGRAM ARGUMENT...");
	const struct rlimit memlock = {.rlim_cur = c.memlock, .rlim_max = c.memlock};
	if (c.memlock != RLIM_INFINITY && setrlimit(RLIMIT_MEMLOCK, &memlock) != 0)
		err(69, "setting the memlock limit");
	make_inheritable(c.inheritable);
	bound(c.bounding);
	become_user(&c);
	set_capabilities(&c);
	if (c.no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		err(69, "setting no_new_privs");
	for (const char *fd = c.closed; *fd != '\0'; fd++)
		close(*fd - '0');
	char *nothing[] = {NULL};
	execv(argv[optind], c.no_arguments ? nothing : argv + optind);
	warn("exec %s", argv[optind]);
	return errno == ENOENT ? 127 : 126;
}
