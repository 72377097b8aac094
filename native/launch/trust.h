/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_TRUST_H
#define DP_TRUST_H

#include <limits.h>
#include <stdbool.h>

/*
 * Whether the caller could put a program of its own at `path`: it may write the file, one of the folders above it, or
 * what a symbolic link on the way points to. `where` gets the first such place. What cannot be looked at counts as safe
 * here: executing it fails then.
 */
bool dp_caller_may_replace(const char *path, char where[PATH_MAX]);

#endif
