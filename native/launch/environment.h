/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_ENVIRONMENT_H
#define DP_ENVIRONMENT_H

#include <stdbool.h>

#define DP_ALLOWED_CPUS "SPILLWAY_ALLOWED_CPUS"

/* Whether node, a library or their loader would read code or files where `entry` (NAME=value) says, or it is malformed.
 */
bool dp_is_unsafe(const char *entry);

/*
 * The environment for node: `entries` without the unsafe ones, and SPILLWAY_ALLOWED_CPUS with `allowed_cpus` (left out
 * when that is empty), whatever it was before. Null when there is no memory.
 */
char **dp_clean_environment(char *const *entries, const char *allowed_cpus);

/* The value of a variable in `entries`, or null. */
const char *dp_find_variable(char *const *entries, const char *name);

#endif
