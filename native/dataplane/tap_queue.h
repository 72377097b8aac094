/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue of the backend `tap` needs besides its descriptor. Its exception thread's alone. */
#ifndef DP_TAP_QUEUE_H
#define DP_TAP_QUEUE_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "exception.h"
#include "gro.h"

struct dp_tap_queue {
	struct dp_gro gro;
	struct dp_gro_packet packets[DP_MAX_BURST]; /* the burst in hand, as gro.h sees it */
	struct iovec pieces[1 + DP_MAX_BURST];	    /* of the frame in hand, headers first */
	uint8_t headers[sizeof(struct virtio_net_hdr) + DP_GRO_HEADERS_MAX];
	/* A frame from the kernel, behind its virtio-net header: IP in it begins at a multiple of four. */
	uint8_t inbound[sizeof(struct virtio_net_hdr) + DP_FRAME_MAX];
};

/* dp_backend_ops.punt */
void dp_tap_punt(struct dp_exception_queue *queue, enum dp_class klass, struct rte_mbuf **pkts, uint16_t n);

#endif
