/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_DROP_H
#define DP_DROP_H

#include <stdint.h>

/*
 * For a helper that needs no privilege of its own, called first thing in main(), before there is a second thread:
 * gives up every capability except those of `keep` that it has (DP_CAPABILITY() bits; mostly 0), the ambient ones
 * included, and sets no_new_privs, so that nothing it starts gets them back. 0, or a negative errno.
 */
int dp_drop_privileges(uint64_t keep);

#endif
