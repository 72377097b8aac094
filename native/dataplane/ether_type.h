/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_ETHER_TYPE_H
#define DP_ETHER_TYPE_H

#include <stdbool.h>

#include "network_order.h"

#define DP_ETHER_TYPE_OFFSET 12
#define DP_VLAN_TAG 4

/* Finds IP behind up to two VLAN tags: where it begins, and which of both it is. False when there is none. */
static inline bool
dp_find_ip(const uint8_t *frame, uint32_t length, uint32_t *l3_offset, bool *ipv6)
{
	uint32_t at = DP_ETHER_TYPE_OFFSET;
	if (length < at + 2)
		return false;
	uint16_t type = dp_get16(frame + at);
	for (int tags = 0; tags < 2 && (type == 0x8100 || type == 0x88a8); tags++) {
		at += DP_VLAN_TAG;
		if (length < at + 2)
			return false;
		type = dp_get16(frame + at);
	}
	*l3_offset = at + 2;
	*ipv6 = type == 0x86dd;
	return *ipv6 || type == 0x0800;
}

#endif
