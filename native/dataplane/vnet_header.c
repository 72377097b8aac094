/* SPDX-License-Identifier: Apache-2.0 */
#include "vnet_header.h"

#include <linux/virtio_net.h>

bool
dp_vnet_read(const struct virtio_net_hdr *header, struct dp_offload *offload)
{
	*offload = (struct dp_offload){
		.partial_checksum = (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0,
		.checksum_start = header->csum_start,
		.checksum_offset = header->csum_offset,
		.segment_bytes = header->gso_size,
	};
	switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
		offload->gso = DP_GSO_TCP4;
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		offload->gso = DP_GSO_TCP6;
		return true;
	default:
		return false;
	}
}
