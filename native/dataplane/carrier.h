/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tap's carrier follows the link of its port, so that routing in the pod sees what the wire does. The ioctl works
 * on a descriptor of the tap and needs no capability. Control thread only.
 */
#ifndef DP_CARRIER_H
#define DP_CARRIER_H

#include <stdbool.h>

/*
 * A descriptor of ours that is attached to the tap: a queue of the backend `tap`, or the one that virtio-user keeps to
 * itself. It stays its owner's. -1 when there is none.
 */
int dp_carrier_descriptor(const char *tap);
/* 0, or -errno; kernels before 5.0 do not know it. */
int dp_carrier_set(int descriptor, bool up);

#endif
