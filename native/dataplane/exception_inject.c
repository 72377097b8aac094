/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel -> wire: from a frame and the kernel's offload request to finished mbufs, and on to whoever transmits. */
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
	if (queue->inject != NULL) {
		if (rte_ring_sp_enqueue_bulk(queue->inject, (void **)segments, n, NULL) == n)
			return;
		dp_count(&queue->row->dropped[DP_DROP_INJECT_RING_FULL], 1);
		rte_pktmbuf_free_bulk(segments, n);
		return;
	}
	for (unsigned at = 0; at < n; at += DP_MAX_BURST) {
		unsigned part = n - at < DP_MAX_BURST ? n - at : DP_MAX_BURST;
		dp_inject_transmit(queue->row, queue->port->id, queue->port->n_queues, segments + at, (uint16_t)part,
				   &queue->broken);
	}
}

static void
drop_frame(struct dp_exception_queue *queue, enum dp_drop_reason reason, struct rte_mbuf **made, unsigned n)
{
	dp_count(&queue->row->dropped[reason], 1);
	if (n > 0)
		rte_pktmbuf_free_bulk(made, n);
}

/* Copies linear memory into an mbuf, or a chain of them when it is longer than one holds; NULL without mbufs. */
static struct rte_mbuf *
copy_to_mbuf(struct rte_mempool *mempool, const uint8_t *data, uint32_t length)
{
	struct rte_mbuf *head = NULL, **link = &head, *m;
	uint16_t n = 0;
	for (uint32_t at = 0; at < length; at += m->data_len) {
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
		n++;
	}
	head->pkt_len = length;
	head->nb_segs = n;
	return head;
}

static void
inject_segmented(struct dp_exception_queue *queue, const uint8_t *frame, uint32_t length,
		 const struct dp_offload *offload, struct dp_scratch *scratch)
{
	struct dp_segmenter cutter;
	if (!dp_segmenter_init(&cutter, frame, length, offload)) {
		drop_frame(queue, DP_DROP_INJECT_MALFORMED, NULL, 0);
		return;
	}
	if (dp_segmenter_longest(&cutter) > queue->port->max_frame) {
		drop_frame(queue, DP_DROP_INJECT_OVERSIZE, NULL, 0);
		return;
	}
	unsigned n = 0;
	uint32_t segment_length;
	while ((segment_length = dp_segmenter_next(&cutter, scratch->segment)) > 0) {
		struct rte_mbuf *m = copy_to_mbuf(queue->port->mempool, scratch->segment, segment_length);
		if (m == NULL) {
			drop_frame(queue, DP_DROP_INJECT_NO_MBUF, scratch->segments, n);
			return;
		}
		scratch->segments[n++] = m;
	}
	send_frame(queue, scratch->segments, n);
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
		drop_frame(queue, DP_DROP_INJECT_OVERSIZE, NULL, 0);
		return;
	}
	if (length < 14 || (offload->partial_checksum &&
			    !dp_checksum_complete(frame, length, offload->checksum_start, offload->checksum_offset))) {
		drop_frame(queue, DP_DROP_INJECT_MALFORMED, NULL, 0);
		return;
	}
	struct rte_mbuf *m = copy_to_mbuf(queue->port->mempool, frame, length);
	if (m == NULL)
		drop_frame(queue, DP_DROP_INJECT_NO_MBUF, NULL, 0);
	else
		send_frame(queue, &m, 1);
}

void
dp_exception_inject_mbuf(struct dp_exception_queue *queue, struct rte_mbuf *m)
{
	dp_exception_count_frame(queue, rte_pktmbuf_pkt_len(m));
	if (rte_pktmbuf_pkt_len(m) > queue->port->max_frame)
		drop_frame(queue, DP_DROP_INJECT_OVERSIZE, &m, 1);
	else
		send_frame(queue, &m, 1);
}
