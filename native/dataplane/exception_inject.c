/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel -> wire: from a frame and the kernel's offload request to finished mbufs, and on to whoever transmits. */
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "exception.h"
#include "inject.h"

bool
dp_exception_can_inject(const struct dp_exception_queue *queue)
{
	if (atomic_load_explicit(&queue->port->paused, memory_order_acquire))
		return false;
	if (!dp_exception_neighbour_up(queue))
		return false;
	return queue->inject == NULL || rte_ring_free_count(queue->inject) >= DP_SEGMENTS_MAX;
}

/* Takes `n` mbufs that are one frame. */
static void
send_frame(struct dp_exception_queue *queue, struct rte_mbuf **segments, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		dp_inject_mark(segments[i], i + 1 == n);
	dp_capture_offer(queue->capture,
			 (struct dp_capture_look){.point = DP_CAPTURE_INJECTED, .port_id = queue->port->id}, segments,
			 n);
	if (queue->inject != NULL) {
		if (rte_ring_sp_enqueue_bulk(queue->inject, (void **)segments, n, NULL) == n)
			return;
		dp_exception_capture_drop(queue, DP_DROP_INJECT_RING_FULL, segments, n);
		dp_count(&queue->row->dropped[DP_DROP_INJECT_RING_FULL], 1);
		rte_pktmbuf_free_bulk(segments, n);
		return;
	}
	for (unsigned at = 0; at < n; at += DP_MAX_BURST) {
		unsigned part = n - at < DP_MAX_BURST ? n - at : DP_MAX_BURST;
		dp_inject_transmit(queue->row, queue->capture, queue->port->id, queue->port->n_queues, segments + at,
				   (uint16_t)part, &queue->broken);
	}
}

void
dp_exception_drop_frame(struct dp_exception_queue *queue, enum dp_drop_reason reason, uint8_t *frame, uint32_t length)
{
	/* For whoever captures drops it looks like a packet; an mbuf's length has 16 bits. */
	uint16_t shown = (uint16_t)(length < UINT16_MAX ? length : UINT16_MAX);
	struct rte_mbuf m = {
		.buf_addr = frame, .buf_len = shown, .data_len = shown, .pkt_len = shown, .nb_segs = 1, .refcnt = 1};
	struct rte_mbuf *pkts = &m;
	dp_exception_capture_drop(queue, reason, &pkts, 1);
	dp_count(&queue->row->dropped[reason], 1);
}

/* Copies linear memory into an mbuf, or a chain of them when it is longer than one holds; NULL without mbufs. */
static struct rte_mbuf *
copy_to_mbuf(struct rte_mempool *mempool, const uint8_t *data, uint32_t length)
{
	struct rte_mbuf *head = NULL, **link = &head, *m;
	uint32_t at = 0;
	uint16_t n = 0;
	do {
		m = rte_pktmbuf_alloc(mempool);
		if (m == NULL) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		uint32_t room = rte_pktmbuf_tailroom(m), part = length - at < room ? length - at : room;
		memcpy(rte_pktmbuf_mtod(m, uint8_t *), data + at, part);
		m->data_len = (uint16_t)part;
		*link = m;
		link = &m->next;
		at += part;
		n++;
	} while (at < length);
	head->pkt_len = length;
	head->nb_segs = n;
	return head;
}

/*
 * Prepares a frame that the device is to cut; false when it may not be able to. The lengths of mbuf's header fields
 * are those of plain headers; extension headers are more than some devices look behind.
 */
static bool
prepare_tso(const struct dp_port *port, struct rte_mbuf *m, const struct dp_segmenter *cutter)
{
	const struct dp_headers *h = &cutter->headers;
	uint32_t l3_length = h->l4_offset - h->l3_offset;
	if (h->ipv6 && l3_length != sizeof(struct rte_ipv6_hdr))
		return false;
	m->l2_len = h->l3_offset;
	m->l3_len = l3_length;
	m->l4_len = h->payload_offset - h->l4_offset;
	m->tso_segsz = (uint16_t)cutter->segment_bytes;
	m->ol_flags = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
	m->ol_flags |= h->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	return rte_eth_tx_prepare(port->id, port->spare_tx_queue ? port->n_queues : 0, &m, 1) == 1;
}

/* Leaves the cutting to the device. False when that is not possible: nothing has happened then. */
static bool
inject_uncut(struct dp_exception_queue *queue, const struct dp_segmenter *cutter)
{
	struct rte_mbuf *m = copy_to_mbuf(queue->port->mempool, cutter->frame, cutter->length);
	if (m == NULL)
		return false;
	if (!prepare_tso(queue->port, m, cutter)) {
		rte_pktmbuf_free(m);
		return false;
	}
	send_frame(queue, &m, 1);
	return true;
}

/* Cuts into mbufs that are there already, each long enough for any segment. */
static void
cut_in_place(struct dp_segmenter *cutter, struct rte_mbuf **segments, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = segments[i];
		uint32_t length = dp_segmenter_next(cutter, rte_pktmbuf_mtod(m, uint8_t *));
		m->data_len = (uint16_t)length;
		m->pkt_len = length;
	}
}

/* Segments of more than one mbuf each, by way of linear memory; false without mbufs. */
static bool
cut_and_copy(struct rte_mempool *mempool, struct dp_segmenter *cutter, struct dp_scratch *scratch, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t length = dp_segmenter_next(cutter, scratch->segment);
		scratch->segments[i] = copy_to_mbuf(mempool, scratch->segment, length);
		if (scratch->segments[i] == NULL) {
			rte_pktmbuf_free_bulk(scratch->segments, i);
			return false;
		}
	}
	return true;
}

/* How many segments there are now in `scratch`, or -1 without mbufs for all of them. */
static int
cut_into_mbufs(struct rte_mempool *mempool, struct dp_segmenter *cutter, struct dp_scratch *scratch)
{
	unsigned n = dp_segmenter_count(cutter);
	uint32_t room = (uint32_t)rte_pktmbuf_data_room_size(mempool) - RTE_PKTMBUF_HEADROOM;
	if (dp_segmenter_longest(cutter) > room)
		return cut_and_copy(mempool, cutter, scratch, n) ? (int)n : -1;
	if (rte_pktmbuf_alloc_bulk(mempool, scratch->segments, n) != 0)
		return -1;
	cut_in_place(cutter, scratch->segments, n);
	return (int)n;
}

static void
inject_segmented(struct dp_exception_queue *queue, uint8_t *frame, uint32_t length, const struct dp_offload *offload,
		 struct dp_scratch *scratch)
{
	struct dp_segmenter cutter;
	if (!dp_segmenter_init(&cutter, frame, length, offload)) {
		dp_exception_drop_frame(queue, DP_DROP_INJECT_MALFORMED, frame, length);
		return;
	}
	if (dp_segmenter_longest(&cutter) > queue->port->max_frame) {
		dp_exception_drop_frame(queue, DP_DROP_INJECT_OVERSIZE, frame, length);
		return;
	}
	if (queue->port->offloads.tso && cutter.length > dp_segmenter_longest(&cutter) && inject_uncut(queue, &cutter))
		return;
	int n = cut_into_mbufs(queue->port->mempool, &cutter, scratch);
	if (n < 0)
		dp_exception_drop_frame(queue, DP_DROP_INJECT_NO_MBUF, frame, length);
	else
		send_frame(queue, scratch->segments, (unsigned)n);
}

void
dp_exception_inject(struct dp_exception_queue *queue, uint8_t *frame, uint32_t length, const struct dp_offload *offload,
		    struct dp_scratch *scratch)
{
	dp_exception_count_frame(queue, length);
	if (offload->gso != DP_GSO_NONE) {
		inject_segmented(queue, frame, length, offload, scratch);
		return;
	}
	if (length > queue->port->max_frame) {
		dp_exception_drop_frame(queue, DP_DROP_INJECT_OVERSIZE, frame, length);
		return;
	}
	if (length < 14 || (offload->partial_checksum &&
			    !dp_checksum_complete(frame, length, offload->checksum_start, offload->checksum_offset))) {
		dp_exception_drop_frame(queue, DP_DROP_INJECT_MALFORMED, frame, length);
		return;
	}
	struct rte_mbuf *m = copy_to_mbuf(queue->port->mempool, frame, length);
	if (m == NULL)
		dp_exception_drop_frame(queue, DP_DROP_INJECT_NO_MBUF, frame, length);
	else
		send_frame(queue, &m, 1);
}

void
dp_exception_inject_mbuf(struct dp_exception_queue *queue, struct rte_mbuf *m)
{
	dp_exception_count_frame(queue, rte_pktmbuf_pkt_len(m));
	if (rte_pktmbuf_pkt_len(m) > queue->port->max_frame)
		dp_exception_drop(queue, DP_DROP_INJECT_OVERSIZE, &m, 1);
	else
		send_frame(queue, &m, 1);
}
