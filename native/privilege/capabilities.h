/* SPDX-License-Identifier: Apache-2.0 */
/* The capability sets of this thread, by the kernel's own calls: the launcher is static and links no libcap. */
#ifndef DP_CAPABILITIES_H
#define DP_CAPABILITIES_H

#include <stdint.h>

/* Bit n is capability n of linux/capability.h. */
struct dp_capabilities {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
};

#define DP_CAPABILITY(name) (UINT64_C(1) << (name))

/* 0, or a negative errno. */
int dp_capabilities_read(struct dp_capabilities *sets);
int dp_capabilities_write(const struct dp_capabilities *sets);

/* Whether the bounding set has it; a kernel that does not know the number says no. */
int dp_capability_is_bounded(unsigned number);

#endif
