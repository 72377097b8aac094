/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-net header before a frame of the tap: what the kernel asks for. */
#ifndef DP_VNET_HEADER_H
#define DP_VNET_HEADER_H

#include <stdbool.h>

#include "offload.h"

struct virtio_net_hdr;

/* False when it asks for something that was not negotiated: UDP segmentation, a tunnel's. */
bool dp_vnet_read(const struct virtio_net_hdr *header, struct dp_offload *offload);

#endif
