/* SPDX-License-Identifier: Apache-2.0 */
#include "environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * After a start with file capabilities the kernel tells the loader to distrust the environment; node, started by us, is
 * not told. So what the loader would have ignored goes here, and what other libraries ignore in that case.
 */
static const char *const unsafe_prefixes[] = {
	"LD_",	    /* ld.so */
	"NODE_",    /* NODE_OPTIONS=--require=..., NODE_PATH, NODE_EXTRA_CA_CERTS, ... */
	"OPENSSL_", /* configuration, engines, provider modules */
};

static const char *const unsafe_names[] = {
	/* glibc's own list for secure programs: sysdeps/generic/unsecvars.h */
	"GCONV_PATH",
	"GETCONF_DIR",
	"GLIBC_TUNABLES",
	"HOSTALIASES",
	"LOCALDOMAIN",
	"LOCPATH",
	"MALLOC_TRACE",
	"NIS_PATH",
	"NLSPATH",
	"RESOLV_HOST_CONF",
	"RES_OPTIONS",
	"TMPDIR",
	"TZDIR",
	/* what OpenSSL and ICU read */
	"SSL_CERT_DIR",
	"SSL_CERT_FILE",
	"CTLOG_FILE",
	"ICU_DATA",
	/* libraries that DPDK's mlx4 and mlx5 and rdma-core load */
	"MLX4_GLUE_PATH",
	"MLX5_GLUE_PATH",
	"IBV_DRIVERS",
	"RDMAV_DRIVERS",
	/* set by this program alone */
	DP_ALLOWED_CPUS,
};

static bool
starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool
is_named(const char *entry, const char *name)
{
	return starts_with(entry, name) && entry[strlen(name)] == '=';
}

bool
dp_is_unsafe(const char *entry)
{
	if (strchr(entry, '=') == NULL)
		return true;
	for (unsigned i = 0; i < sizeof(unsafe_prefixes) / sizeof(unsafe_prefixes[0]); i++)
		if (starts_with(entry, unsafe_prefixes[i]))
			return true;
	for (unsigned i = 0; i < sizeof(unsafe_names) / sizeof(unsafe_names[0]); i++)
		if (is_named(entry, unsafe_names[i]))
			return true;
	return false;
}

static char fixed_path[] = DP_FIXED_PATH;

char **
dp_clean_environment(char *const *entries, const char *allowed_cpus, bool granted)
{
	size_t n = 0;
	while (entries[n] != NULL)
		n++;
	char **clean = calloc(n + 3, sizeof(*clean));
	if (clean == NULL)
		return NULL;
	size_t kept = 0;
	if (allowed_cpus[0] != '\0' && asprintf(&clean[kept++], DP_ALLOWED_CPUS "=%s", allowed_cpus) < 0) {
		free(clean);
		return NULL;
	}
	if (granted)
		clean[kept++] = fixed_path;
	for (size_t i = 0; i < n; i++)
		if (!dp_is_unsafe(entries[i]) && !(granted && is_named(entries[i], "PATH")))
			clean[kept++] = entries[i];
	return clean;
}

const char *
dp_find_variable(char *const *entries, const char *name)
{
	for (; *entries != NULL; entries++)
		if (is_named(*entries, name))
			return *entries + strlen(name) + 1;
	return NULL;
}
