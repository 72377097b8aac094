/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_GRANT_H
#define DP_GRANT_H

#include <stdint.h>

/*
 * Which capabilities a data plane uses and this process holds: permitted, in the bounding set, and on a short list.
 * None for root, whom the kernel gives at every exec what the bounding set has.
 */
uint64_t dp_grantable(void);

/* Makes `granted` what node and its children have; every other capability is given up. */
void dp_grant(uint64_t granted);

#endif
