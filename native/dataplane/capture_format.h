/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng, as much of it as a capture needs: a section, an interface for each port under the port's own name, packets
 * with direction and a comment, and what was missed. Not librte_pcapng: up to DPDK 22.11 its time stamps come from a
 * static that every lcore writes, and are hours off when the first packet is older than its first call; and it names
 * interfaces by device. Integers are in the machine's order, which the section says.
 *
 * @see https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
 */
#ifndef DP_CAPTURE_FORMAT_H
#define DP_CAPTURE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;

/* What a packet's block has besides its bytes, at most: header, padding, comment, direction, end, length. */
#define DP_PCAPNG_PACKET_OVERHEAD (28 + 4 + 4 + 32 + 8 + 4 + 4)
#define DP_PCAPNG_MAX_COMMENT 32

struct dp_pcapng_packet {
	uint32_t interface;
	uint64_t tsc; /* until dp_pcapng_set_time() */
	bool outbound;
	const char *comment; /* at most DP_PCAPNG_MAX_COMMENT characters */
	uint32_t snaplen;
};

/* Writes the block of `m` to `to`, which has room for snaplen and DP_PCAPNG_PACKET_OVERHEAD. Returns its length. */
uint32_t dp_pcapng_packet(uint8_t *to, const struct rte_mbuf *m, const struct dp_pcapng_packet *packet);

uint64_t dp_pcapng_get_tsc(const uint8_t *block);
void dp_pcapng_set_time(uint8_t *block, uint64_t ns);

/* Of the blocks below none is longer than this. */
#define DP_PCAPNG_MAX_BLOCK 256
uint32_t dp_pcapng_section(uint8_t *to, const char *application);
uint32_t dp_pcapng_interface(uint8_t *to, const char *name, uint32_t snaplen);
uint32_t dp_pcapng_statistics(uint8_t *to, uint32_t interface, uint64_t ns, uint64_t received, uint64_t dropped);

#endif
