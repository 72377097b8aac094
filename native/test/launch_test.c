/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's parsers, which read what anybody may write into the environment: against a second reading, then with
 * mutated input in memory of exactly its length, for ASan. The launcher itself is static and can have no sanitizer.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "cpu_list.h"
#include "environment.h"
#include "trust.h"

#define N_SETS 20000
#define N_MUTATED 200000

/* In memory of exactly its length, so that ASan sees the first byte too far. */
static char *
exactly(const char *text, size_t length)
{
	char *copy = malloc(length + 1);
	if (copy == NULL)
		abort();
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

static bool
parses_to(const char *text, const char *expected)
{
	static char formatted[DP_CPU_LIST_MAX];
	struct dp_cpus cpus;
	char *copy = exactly(text, strlen(text));
	bool good = dp_cpus_parse(copy, &cpus);
	free(copy);
	dp_cpus_format(&cpus, formatted);
	return good == (expected[0] != '\0') && strcmp(formatted, expected) == 0;
}

static void
check_lists(void)
{
	static const char *const good[][2] = {
		{"0", "0"},	{"0-3", "0-3"},		{"0-3,8", "0-3,8"}, {"8,0-3", "0-3,8"},
		{"1,1,1", "1"}, {"0-1,1-2", "0-2"},	{"8191", "8191"},   {"0-8191", "0-8191"},
		{"007", "7"},	{"126-130", "126-130"}, {"0,2,4", "0,2,4"},
	};
	static const char *const bad[] = {
		"",
		" ",
		"0 ",
		" 0",
		"-",
		"-1",
		"1-",
		"3-2",
		"0,",
		",0",
		"0,,1",
		"0--1",
		"0-1-2",
		"+1",
		"0x1",
		"8192",
		"0-8192",
		"4294967296",
		"18446744073709551616",
		"1\n",
		"1;2",
		"all",
		"0-3:1/2",
		"\xff",
	};
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check(parses_to(good[i][0], good[i][1]), "CPU list \"%s\" is %s", good[i][0], good[i][1]);
	unsigned refused = 0;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused += parses_to(bad[i], "");
	check(refused == sizeof(bad) / sizeof(bad[0]), "%u of %zu malformed CPU lists are refused whole", refused,
	      sizeof(bad) / sizeof(bad[0]));
}

/* `run` CPUs, then a gap of one, all the way. In memory of exactly DP_CPU_LIST_MAX bytes. */
static void
check_pattern(unsigned run)
{
	char *text = malloc(DP_CPU_LIST_MAX);
	if (text == NULL)
		abort();
	struct dp_cpus cpus = {0}, again;
	for (unsigned cpu = 0; cpu < DP_MAX_CPUS; cpu++)
		if (cpu % (run + 1) < run)
			dp_cpus_add(&cpus, cpu);
	dp_cpus_format(&cpus, text);
	check(strlen(text) < DP_CPU_LIST_MAX && dp_cpus_parse(text, &again) && memcmp(&cpus, &again, sizeof(cpus)) == 0,
	      "%u CPUs and a gap, all the way: %zu bytes fit into %d and read back", run, strlen(text),
	      DP_CPU_LIST_MAX);
	free(text);
}

/* Lists as long as they can be (pairs are the longest), and sets of every density. */
static void
check_round_trip(void)
{
	static char text[DP_CPU_LIST_MAX];
	struct dp_cpus cpus, again;
	for (unsigned run = 1; run <= 4; run++)
		check_pattern(run);

	uint64_t random = 1;
	unsigned same = 0;
	for (unsigned i = 0; i < N_SETS / 100; i++) {
		memset(&cpus, 0, sizeof(cpus));
		unsigned range = 1 + next_random(&random) % DP_MAX_CPUS;
		for (unsigned n = 1 + next_random(&random) % 400; n > 0; n--)
			dp_cpus_add(&cpus, next_random(&random) % range);
		dp_cpus_format(&cpus, text);
		same += dp_cpus_parse(text, &again) && memcmp(&cpus, &again, sizeof(cpus)) == 0;
	}
	check(same == N_SETS / 100, "%u sets of CPUs read back from their lists", same);
}

/* Whatever parses has a CPU in it, and formats to something that parses to the same. */
static void
fuzz_lists(void)
{
	static const char alphabet[] = "0123456789,,--8 \n+x";
	static char text[DP_CPU_LIST_MAX];
	struct dp_cpus cpus, again;
	uint64_t random = 2;
	unsigned wrong = 0, parsed = 0;
	for (unsigned i = 0; i < N_MUTATED; i++) {
		char line[24];
		size_t length = next_random(&random) % sizeof(line);
		for (size_t at = 0; at < length; at++)
			line[at] = alphabet[next_random(&random) % (sizeof(alphabet) - 1)];
		char *copy = exactly(line, length);
		bool good = dp_cpus_parse(copy, &cpus);
		free(copy);
		parsed += good;
		wrong += good != (dp_cpus_lowest(&cpus) < DP_MAX_CPUS);
		if (!good)
			continue;
		dp_cpus_format(&cpus, text);
		wrong += !dp_cpus_parse(text, &again) || memcmp(&cpus, &again, sizeof(cpus)) != 0;
	}
	check(wrong == 0 && parsed > 100, "%d mutated CPU lists, %u of them good, none misread", N_MUTATED, parsed);
}

static void
check_unsafe(void)
{
	static const char *const unsafe[] = {
		"LD_PRELOAD=/x",
		"LD_LIBRARY_PATH=/x",
		"LD_=",
		"NODE_OPTIONS=--require=/x",
		"NODE_PATH=/x",
		"OPENSSL_CONF=/x",
		"GCONV_PATH=.",
		"GLIBC_TUNABLES=a",
		"SPILLWAY_ALLOWED_CPUS=0-63",
		"MLX5_GLUE_PATH=/x",
		"TMPDIR=/x",
		"no equals sign",
		"",
		"SSL_CERT_FILE=/x",
	};
	static const char *const safe[] = {
		"PATH=/bin",
		"OLD_PWD=/",
		"MY_NODE_OPTIONS=1",
		"SPILLWAY_ALLOWED_CPUS_=1",
		"GCONV_PATHS=1",
		"=",
		"=x",
		"TMPDIRS=",
		"PCIDEVICE_OPENSHIFT_IO_DPDK-NIC=0000:00:00.0",
		"LD=1",
		"NODE=1",
		"UV_THREADPOOL_SIZE=1",
	};
	unsigned right = 0;
	for (unsigned i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		right += dp_is_unsafe(unsafe[i]);
	check(right == sizeof(unsafe) / sizeof(unsafe[0]), "%u variables that load code or files go", right);
	right = 0;
	for (unsigned i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
		right += !dp_is_unsafe(safe[i]);
	check(right == sizeof(safe) / sizeof(safe[0]), "%u others, some with names much like them, stay", right);
}

static void
check_environment(void)
{
	char *entries[] = {"A=1", "LD_PRELOAD=/x", "SPILLWAY_ALLOWED_CPUS=0-9", "B=2", "SPILLWAY_ALLOWED_CPUS=7", NULL};
	char **clean = dp_clean_environment(entries, "0-1", false);
	if (clean == NULL)
		abort();
	check(strcmp(clean[0], "SPILLWAY_ALLOWED_CPUS=0-1") == 0 && clean[1] == entries[0] && clean[2] == entries[3] &&
		      clean[3] == NULL,
	      "a forged SPILLWAY_ALLOWED_CPUS is replaced, however often it is there");
	free(clean[0]);
	free((void *)clean);
	clean = dp_clean_environment(entries + 5, "", false);
	check(clean != NULL && clean[0] == NULL, "nothing stays nothing");
	free((void *)clean);
}

static void
check_path(void)
{
	char *entries[] = {"PATH=/tmp", "PATHS=/x", "PATH=/mine", NULL};
	char **clean = dp_clean_environment(entries, "", true);
	if (clean == NULL)
		abort();
	check(strcmp(clean[0], DP_FIXED_PATH) == 0 && clean[1] == entries[1] && clean[2] == NULL,
	      "with capabilities the caller's PATH is replaced, however often it is there");
	free((void *)clean);
	clean = dp_clean_environment(entries, "", false);
	check(clean != NULL && clean[0] == entries[0] && clean[1] == entries[1] && clean[2] == entries[2],
	      "without capabilities it stays");
	free((void *)clean);
}

/* Names of every length around those we look for, in memory of exactly their length. */
static void
fuzz_environment(void)
{
	static const char *const seeds[] = {"LD_PRELOAD=x",   "NODE_OPTIONS=x",
					    "OPENSSL_CONF=x", "SPILLWAY_ALLOWED_CPUS=1",
					    "GCONV_PATH=x",   "RDMAV_DRIVERS=x"};
	uint64_t random = 3;
	unsigned unsafe = 0;
	for (unsigned i = 0; i < N_MUTATED; i++) {
		const char *seed = seeds[next_random(&random) % (sizeof(seeds) / sizeof(seeds[0]))];
		size_t length = next_random(&random) % (strlen(seed) + 1);
		char *entry = exactly(seed, length);
		if (length > 0 && next_random(&random) % 2 == 0)
			entry[next_random(&random) % length] = (char)(1 + next_random(&random) % 255);
		unsafe += dp_is_unsafe(entry);
		char *entries[] = {entry, NULL};
		unsafe += dp_find_variable(entries, "OPENSHIFT_SHARED_CPUS") != NULL;
		free(entry);
	}
	check(unsafe > N_MUTATED / 10, "%d mutated variables, %u of them unsafe, none read too far", N_MUTATED, unsafe);
}

/* Links in a circle, out of their folder, and as long as a path can be. We own all of it, so all of it is ours to
 * replace. */
static void
check_trust(void)
{
	char where[PATH_MAX], folder[] = "/tmp/spillway-launch-test-XXXXXX", path[PATH_MAX];
	check(!dp_caller_may_replace("/proc/1/stat", where) || geteuid() == 0, "what root owns is out of reach");
	check(!dp_caller_may_replace("/nowhere/at/all", where) || geteuid() == 0,
	      "what is not there cannot be looked at");
	if (mkdtemp(folder) == NULL)
		abort();
	check(dp_caller_may_replace(folder, where) && (geteuid() == 0 || strcmp(where, folder) == 0),
	      "a folder of our own is not");
	snprintf(path, sizeof(path), "%s/circle", folder);
	if (symlink("circle", path) != 0)
		abort();
	check(dp_caller_may_replace(path, where), "a link in a circle comes to an end");
	unlink(path);
	rmdir(folder);
	char *deep = malloc(2 * PATH_MAX);
	if (deep == NULL)
		abort();
	memset(deep, 'x', 2 * PATH_MAX - 1);
	deep[0] = '/';
	deep[2 * PATH_MAX - 1] = '\0';
	dp_caller_may_replace(deep, where);
	check(true, "a path longer than paths can be is survived");
	free(deep);
}

int
main(void)
{
	check_lists();
	check_round_trip();
	fuzz_lists();
	check_unsafe();
	check_environment();
	check_path();
	fuzz_environment();
	check_trust();
	return checks_exit_code();
}
