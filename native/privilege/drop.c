/* SPDX-License-Identifier: Apache-2.0 */
#include "drop.h"

#include <errno.h>
#include <sys/prctl.h>

#include "capabilities.h"

int
dp_drop_privileges(uint64_t keep)
{
	struct dp_capabilities sets;
	int result = dp_capabilities_read(&sets);
	if (result != 0)
		return result;
	sets.permitted &= keep;
	sets.effective = sets.permitted;
	sets.inheritable = 0;
	/* Taking a capability out of permitted or inheritable takes it out of ambient too. */
	result = dp_capabilities_write(&sets);
	if (result != 0)
		return result;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
}
