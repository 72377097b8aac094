/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wire -> kernel through a tap: one system call a frame. Segments of a TCP flow go as one frame, written from where
 * they are; a packet by itself goes as one piece of memory, with the virtio-net header in the mbuf's headroom, which
 * costs less than the two pieces of a writev.
 */
#include <errno.h>
#include <unistd.h>

#include <rte_mbuf.h>

#include "gro_mbuf.h"
#include "tap_queue.h"

static enum dp_drop_reason
refusal(int errnum)
{
	switch (errnum) {
	case EIO:    /* tun_get_user: the netdev is not up */
	case EBADFD: /* the tap is gone */
		return DP_DROP_TAP_DOWN;
	case EAGAIN:
		return DP_DROP_TAP_FULL;
	default:
		return DP_DROP_TAP_ERROR;
	}
}

static int
write_linear(int fd, const struct rte_mbuf *m, const struct virtio_net_hdr *header)
{
	uint8_t *start = rte_pktmbuf_mtod_offset(m, uint8_t *, -(int)sizeof(*header));
	memcpy(start, header, sizeof(*header));
	return write(fd, start, sizeof(*header) + rte_pktmbuf_data_len(m)) < 0 ? errno : 0;
}

static int
write_pieces(struct dp_exception_queue *queue, struct rte_mbuf *m, struct virtio_net_hdr *header)
{
	struct iovec *pieces = queue->tap->pieces;
	int n = 0;
	pieces[n++] = (struct iovec){.iov_base = header, .iov_len = sizeof(*header)};
	for (; m != NULL; m = m->next) {
		if (n > DP_MAX_BURST)
			return EMSGSIZE;
		pieces[n++] =
			(struct iovec){.iov_base = rte_pktmbuf_mtod(m, void *), .iov_len = rte_pktmbuf_data_len(m)};
	}
	return writev(queue->fd, pieces, n) < 0 ? errno : 0;
}

/* A packet as it came. Its checksum is marked as verified only when it was, and was right. */
static int
write_packet(struct dp_exception_queue *queue, struct rte_mbuf *m, enum dp_gro_checksum checksum)
{
	struct virtio_net_hdr header = {.flags = checksum == DP_GRO_GOOD ? VIRTIO_NET_HDR_F_DATA_VALID : 0};
	bool ours = m->nb_segs == 1 && RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1;
	if (ours && rte_pktmbuf_headroom(m) >= sizeof(header))
		return write_linear(queue->fd, m, &header);
	return write_pieces(queue, m, &header);
}

static int
write_merged(struct dp_exception_queue *queue, const struct dp_gro_frame *frame)
{
	struct dp_tap_queue *tap = queue->tap;
	uint32_t headers = dp_gro_write_headers(frame, tap->packets, tap->headers + sizeof(struct virtio_net_hdr));
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = frame->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = (uint16_t)headers,
		.gso_size = frame->segment_bytes,
		.csum_start = frame->l4_offset,
		.csum_offset = DP_GRO_CHECKSUM_OFFSET,
	};
	if (frame->congestion)
		header.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	memcpy(tap->headers, &header, sizeof(header));
	int n = 0;
	tap->pieces[n++] = (struct iovec){.iov_base = tap->headers, .iov_len = sizeof(header) + headers};
	for (uint16_t i = frame->first; i != DP_GRO_END; i = tap->gro.next[i])
		tap->pieces[n++] = (struct iovec){
			.iov_base = (void *)(uintptr_t)(tap->packets[i].data + frame->payload_offset),
			.iov_len = tap->packets[i].length - frame->payload_offset,
		};
	return writev(queue->fd, tap->pieces, n) < 0 ? errno : 0;
}

/* The kernel refused a frame: all of its packets are dropped. They are freed with the burst. */
static void
refuse(struct dp_exception_queue *queue, const struct dp_gro_frame *frame, struct rte_mbuf **pkts, int errnum)
{
	struct rte_mbuf *refused[DP_MAX_BURST];
	unsigned n = 0;
	for (uint16_t i = frame->first; i != DP_GRO_END; i = queue->tap->gro.next[i])
		refused[n++] = pkts[i];
	dp_exception_capture_drop(queue, refusal(errnum), refused, n);
	dp_count(&queue->row->dropped[refusal(errnum)], n);
}

void
dp_tap_punt(struct dp_exception_queue *queue, enum dp_class klass, struct rte_mbuf **pkts, uint16_t n)
{
	struct dp_tap_queue *tap = queue->tap;
	uint32_t lengths[DP_MAX_BURST];
	uint16_t taken = 0, merged = 0;
	dp_gro_look_at(tap->packets, pkts, n, queue->port->plan->tap_offloads);
	dp_gro_burst(&tap->gro, tap->packets, n);
	for (unsigned f = 0; f < tap->gro.n_frames; f++) {
		const struct dp_gro_frame *frame = &tap->gro.frames[f];
		int errnum = frame->n == 1
				     ? write_packet(queue, pkts[frame->first], tap->packets[frame->first].checksum)
				     : write_merged(queue, frame);
		if (errnum != 0) {
			refuse(queue, frame, pkts, errnum);
			continue;
		}
		for (uint16_t i = frame->first; i != DP_GRO_END; i = tap->gro.next[i])
			lengths[taken++] = tap->packets[i].length;
		merged = (uint16_t)(merged + frame->n - 1);
	}
	dp_count(&queue->row->punted_merged, merged);
	dp_exception_count_punted(queue, klass, lengths, taken);
	rte_pktmbuf_free_bulk(pkts, n);
}
