/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wire -> kernel through virtio-user: segments of a TCP flow go as one chain of mbufs, whose virtio-net header DPDK's
 * driver makes of mbuf flags.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "error.h"
#include "gro_mbuf.h"
#include "vhost_queue.h"

int
dp_vhost_queue_open(struct dp_exception_queue *queue, struct dp_error *error)
{
	queue->vhost = malloc(sizeof(*queue->vhost));
	if (queue->vhost == NULL)
		return dp_fail(error, ENOMEM, "malloc", queue->port->plan->exception.tap, "out of memory");
	return 0;
}

void
dp_vhost_queue_close(struct dp_exception_queue *queue)
{
	free(queue->vhost);
	queue->vhost = NULL;
}

/* A packet whose checksum the VF did not verify, or found wrong, goes as it is: the kernel looks, and counts. */
static void
tell_verified(struct rte_mbuf *m)
{
	struct dp_headers headers;
	if (dp_gro_checksum_of(m) != DP_GRO_GOOD ||
	    !dp_checksum_make_partial(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), rte_pktmbuf_pkt_len(m),
				      &headers))
		return;
	m->l2_len = headers.l3_offset;
	m->l3_len = headers.l4_offset - headers.l3_offset;
	m->ol_flags |= headers.protocol == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
}

/* Makes one chain of a frame's packets: headers in the first, of the others only the payload. */
static void
chain(struct dp_vhost_queue *v, const struct dp_gro_frame *frame, struct rte_mbuf **pkts)
{
	struct rte_mbuf *head = pkts[frame->first], *last = head;
	uint32_t headers = dp_gro_write_headers(frame, v->packets, v->headers);
	memcpy(rte_pktmbuf_mtod(head, uint8_t *), v->headers, headers);
	for (uint16_t i = v->gro.next[frame->first]; i != DP_GRO_END; i = v->gro.next[i]) {
		rte_pktmbuf_adj(pkts[i], frame->payload_offset);
		last->next = pkts[i];
		last = pkts[i];
		head->pkt_len += pkts[i]->data_len;
		head->nb_segs++;
	}
	head->l2_len = frame->l3_offset;
	head->l3_len = (uint64_t)(frame->l4_offset - frame->l3_offset);
	head->l4_len = (uint64_t)(frame->payload_offset - frame->l4_offset);
	head->tso_segsz = frame->segment_bytes;
	head->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | (frame->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
}

static void
add_single(struct dp_vhost_queue *v, struct rte_mbuf **pkts, uint16_t packet)
{
	tell_verified(pkts[packet]);
	v->frames[v->n_frames] = pkts[packet];
	v->n_packets[v->n_frames++] = 1;
	v->lengths[v->n_lengths++] = v->packets[packet].length;
}

/*
 * Whether a frame's packets can go as one, else one by one: virtio's driver cannot say that a frame begins with
 * "congestion window reduced", and its queue has to hold a descriptor for each packet and one for the header.
 */
static bool
can_merge(const struct dp_gro_frame *frame, unsigned queue_size)
{
	return frame->n > 1 && frame->n < queue_size && !frame->congestion;
}

static void
add_frame(struct dp_vhost_queue *v, const struct dp_gro_frame *frame, struct rte_mbuf **pkts, unsigned queue_size)
{
	bool merge = can_merge(frame, queue_size);
	for (uint16_t i = frame->first; i != DP_GRO_END; i = v->gro.next[i]) {
		if (merge)
			v->lengths[v->n_lengths++] = v->packets[i].length;
		else
			add_single(v, pkts, i);
	}
	if (!merge)
		return;
	chain(v, frame, pkts);
	v->frames[v->n_frames] = pkts[frame->first];
	v->n_packets[v->n_frames++] = frame->n;
}

/* Turns the packets of a burst into the frames that the kernel gets. */
static void
make_frames(struct dp_vhost_queue *v, struct rte_mbuf **pkts, uint16_t n, unsigned queue_size)
{
	v->n_frames = v->n_lengths = 0;
	dp_gro_look_at(v->packets, pkts, n, true);
	dp_gro_burst(&v->gro, v->packets, n);
	for (unsigned f = 0; f < v->gro.n_frames; f++)
		add_frame(v, &v->gro.frames[f], pkts, queue_size);
}

/* The same without offloads: every packet as it came. */
static void
keep_packets(struct dp_vhost_queue *v, struct rte_mbuf **pkts, uint16_t n)
{
	v->n_frames = v->n_lengths = n;
	for (uint16_t i = 0; i < n; i++) {
		v->frames[i] = pkts[i];
		v->n_packets[i] = 1;
		v->lengths[i] = rte_pktmbuf_pkt_len(pkts[i]);
	}
}

void
dp_vhost_punt(struct dp_exception_queue *queue, enum dp_class klass, struct rte_mbuf **pkts, uint16_t n)
{
	/* vhost drops in silence what a tap that is down refuses. */
	if (!atomic_load_explicit(queue->tap_up, memory_order_relaxed)) {
		dp_exception_drop(queue, DP_DROP_TAP_DOWN, pkts, n);
		return;
	}
	struct dp_vhost_queue *v = queue->vhost;
	if (queue->port->plan->tap_offloads)
		make_frames(v, pkts, n, queue->port->plan->exception.queue_size);
	else
		keep_packets(v, pkts, n);
	uint16_t sent = rte_eth_tx_burst(queue->virtio_port_id, queue->virtio_queue_id, v->frames, v->n_frames);
	uint16_t taken = 0;
	for (uint16_t f = 0; f < sent; f++)
		taken = (uint16_t)(taken + v->n_packets[f]);
	dp_count(&queue->row->punted_merged, (uint64_t)(taken - sent));
	dp_exception_count_punted(queue, klass, v->lengths, taken);
	if (sent < v->n_frames) {
		dp_exception_capture_drop(queue, DP_DROP_TAP_FULL, v->frames + sent, (unsigned)(v->n_frames - sent));
		dp_count(&queue->row->dropped[DP_DROP_TAP_FULL], (uint64_t)(n - taken));
		rte_pktmbuf_free_bulk(v->frames + sent, (unsigned)(v->n_frames - sent));
	}
}
