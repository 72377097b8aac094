/* SPDX-License-Identifier: Apache-2.0 */
/* A port's MTU follows its tap's, where the plan lets it and the device can. Control thread only. */
#ifndef DP_MTU_FOLLOW_H
#define DP_MTU_FOLLOW_H

#include "wiring.h"

/*
 * Looks at the MTU of port `p`'s tap; fills *mtu and returns true when there is something to tell. A port is never made
 * shorter than it is by itself: its fast path may need that, and the kernel takes every length.
 */
bool dp_mtu_follow(struct dp_machine *machine, unsigned p, uint32_t tap_mtu, struct dp_mtu *mtu);

#endif
