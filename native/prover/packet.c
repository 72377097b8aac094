/* SPDX-License-Identifier: Apache-2.0 */
#include "packet.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t
page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

bool
dp_packet_init(struct dp_packet *packet)
{
	*packet = (struct dp_packet){.fences = {NULL}};
	for (unsigned i = 0; i < DP_PACKET_MAX_SEGMENTS; i++) {
		size_t size = DP_PACKET_MAX_BYTES + page_size();
		uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			return false;
		packet->fences[i] = memory + DP_PACKET_MAX_BYTES;
		if (mprotect(packet->fences[i], page_size(), PROT_NONE) != 0)
			return false;
	}
	return true;
}

static void
free_blocks(struct dp_packet *packet)
{
	for (unsigned i = 0; i < DP_PACKET_MAX_SEGMENTS; i++) {
		free(packet->blocks[i]);
		packet->blocks[i] = NULL;
	}
}

void
dp_packet_free(struct dp_packet *packet)
{
	free_blocks(packet);
	for (unsigned i = 0; i < DP_PACKET_MAX_SEGMENTS; i++)
		if (packet->fences[i] != NULL)
			munmap(packet->fences[i] - DP_PACKET_MAX_BYTES, DP_PACKET_MAX_BYTES + page_size());
	*packet = (struct dp_packet){.fences = {NULL}};
}

static bool
fill_segment(struct dp_packet *packet, unsigned at, const uint8_t *bytes, uint32_t length, bool on_heap)
{
	struct rte_mbuf *mbuf = &packet->mbufs[at];
	uint8_t *memory = packet->fences[at] - length;
	if (on_heap) {
		memory = malloc(length > 0 ? length : 1);
		packet->blocks[at] = memory;
	}
	if (memory == NULL)
		return false;
	if (length > 0)
		memcpy(memory, bytes, length);
	memset(mbuf, 0, sizeof(*mbuf));
	mbuf->buf_addr = memory;
	mbuf->buf_len = (uint16_t)length;
	mbuf->data_len = (uint16_t)length;
	mbuf->nb_segs = 1;
	return true;
}

struct rte_mbuf *
dp_packet_fill(struct dp_packet *packet, const uint8_t *frame, uint32_t length, unsigned segments, uint32_t uneven,
	       bool on_heap)
{
	if (length > DP_PACKET_MAX_BYTES)
		return NULL;
	free_blocks(packet);
	uint32_t done = 0;
	for (unsigned i = 0; i < segments; i++) {
		uint32_t share = (length - done) / (segments - i);
		if (i + 1 < segments && uneven != 0)
			share = (uneven >> 8 * i & 0xff) % (length - done + 1);
		if (!fill_segment(packet, i, frame + done, share, on_heap))
			return NULL;
		packet->mbufs[i].next = i + 1 < segments ? &packet->mbufs[i + 1] : NULL;
		done += share;
	}
	packet->mbufs[0].pkt_len = length;
	packet->mbufs[0].nb_segs = (uint16_t)segments;
	return &packet->mbufs[0];
}
