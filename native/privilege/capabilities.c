/* SPDX-License-Identifier: Apache-2.0 */
#include "capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel takes 64 bits as two halves. */
static uint64_t
join(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

int
dp_capabilities_read(struct dp_capabilities *sets)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct half[2];
	if (syscall(SYS_capget, &header, half) != 0)
		return -errno;
	sets->effective = join(half[0].effective, half[1].effective);
	sets->permitted = join(half[0].permitted, half[1].permitted);
	sets->inheritable = join(half[0].inheritable, half[1].inheritable);
	return 0;
}

int
dp_capabilities_write(const struct dp_capabilities *sets)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct half[2];
	for (unsigned i = 0; i < 2; i++) {
		half[i].effective = (uint32_t)(sets->effective >> (32 * i));
		half[i].permitted = (uint32_t)(sets->permitted >> (32 * i));
		half[i].inheritable = (uint32_t)(sets->inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &header, half) == 0 ? 0 : -errno;
}

int
dp_capability_is_bounded(unsigned number)
{
	return prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1;
}
