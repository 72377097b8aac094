/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_VHOST_QUEUE_H
#define DP_VHOST_QUEUE_H

#include "exception.h"
#include "gro.h"

/* What a queue of the backend `vhost-net` is written with: the burst in hand, and what becomes of it. Its exception
 * thread's alone. */
struct dp_vhost_queue {
	struct dp_gro gro;
	struct dp_gro_packet packets[DP_MAX_BURST];
	uint8_t headers[DP_GRO_HEADERS_MAX];
	uint16_t n_frames, n_lengths;
	struct rte_mbuf *frames[DP_MAX_BURST];
	uint16_t n_packets[DP_MAX_BURST]; /* of each frame */
	uint32_t lengths[DP_MAX_BURST];	  /* of the packets, in the order of their frames */
};

/* dp_backend_ops.punt */
void dp_vhost_punt(struct dp_exception_queue *queue, enum dp_class klass, struct rte_mbuf **pkts, uint16_t n);

#endif
