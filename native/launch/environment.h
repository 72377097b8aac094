/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_ENVIRONMENT_H
#define DP_ENVIRONMENT_H

#include <stdbool.h>

#define DP_ALLOWED_CPUS "SPILLWAY_ALLOWED_CPUS"

/* Whether node, a library or their loader would read code or files where `entry` (NAME=value) says, or it is malformed.
 */
bool dp_is_unsafe(const char *entry);

/* Where programs are looked for once there are capabilities to pass on: folders that only root writes. */
#define DP_FIXED_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * The environment for node: `entries` without the unsafe ones, and SPILLWAY_ALLOWED_CPUS with `allowed_cpus` (left out
 * when that is empty), whatever it was before. With `granted`, PATH is DP_FIXED_PATH: node starts taskset and setpriv
 * by name, and they inherit the capabilities. Null when there is no memory.
 */
char **dp_clean_environment(char *const *entries, const char *allowed_cpus, bool granted);

/* The value of a variable in `entries`, or null. */
const char *dp_find_variable(char *const *entries, const char *name);

#endif
