/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_format.h"

#include <string.h>

#include <rte_mbuf.h>

enum block { SECTION = 0x0a0d0d0a, INTERFACE = 1, STATISTICS = 5, PACKET = 6 };
enum option {
	END = 0,
	COMMENT = 1,
	INTERFACE_NAME = 2,
	PACKET_FLAGS = 2,
	APPLICATION = 4,
	RECEIVED = 4,
	DROPPED = 5,
	TIME_RESOLUTION = 9,
};
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define ETHERNET 1
#define INBOUND 1
#define OUTBOUND 2

static uint8_t *
put(uint8_t *at, const void *value, uint32_t length)
{
	if (length > 0) /* memcpy() wants a pointer even then */
		memcpy(at, value, length);
	return at + length;
}

static uint8_t *
put16(uint8_t *at, uint16_t value)
{
	return put(at, &value, sizeof(value));
}

static uint8_t *
put32(uint8_t *at, uint32_t value)
{
	return put(at, &value, sizeof(value));
}

/* To the next word, with zeros. */
static uint8_t *
pad(uint8_t *at, uint32_t length)
{
	static const uint8_t zeros[4];
	return put(at, zeros, -length & 3);
}

static uint8_t *
put_option(uint8_t *at, enum option option, const void *value, uint16_t length)
{
	at = put16(at, option);
	at = put16(at, length);
	return pad(put(at, value, length), length);
}

static uint8_t *
put_ns(uint8_t *at, uint64_t ns)
{
	return put32(put32(at, (uint32_t)(ns >> 32)), (uint32_t)ns);
}

/* Ends the options and the block; its length stands at both ends. */
static uint32_t
end_block(uint8_t *block, uint8_t *at)
{
	at = put_option(at, END, NULL, 0);
	uint32_t length = (uint32_t)(at - block) + 4;
	put32(at, length);
	put32(block + 4, length);
	return length;
}

static uint8_t *
put_bytes(uint8_t *at, const struct rte_mbuf *m, uint32_t length)
{
	for (uint32_t left = length; left > 0; m = m->next) {
		uint32_t part = left < rte_pktmbuf_data_len(m) ? left : rte_pktmbuf_data_len(m);
		at = put(at, rte_pktmbuf_mtod(m, const uint8_t *), part);
		left -= part;
	}
	return pad(at, length);
}

uint32_t
dp_pcapng_packet(uint8_t *to, const struct rte_mbuf *m, const struct dp_pcapng_packet *packet)
{
	uint32_t length = rte_pktmbuf_pkt_len(m);
	uint32_t taken = length < packet->snaplen ? length : packet->snaplen;
	const uint32_t flags = packet->outbound ? OUTBOUND : INBOUND;
	uint8_t *at = put32(to, PACKET) + 4;
	at = put_ns(put32(at, packet->interface), packet->tsc);
	at = put32(put32(at, taken), length);
	at = put_bytes(at, m, taken);
	at = put_option(at, COMMENT, packet->comment, (uint16_t)strnlen(packet->comment, DP_PCAPNG_MAX_COMMENT));
	at = put_option(at, PACKET_FLAGS, &flags, sizeof(flags));
	return end_block(to, at);
}

/* Type, length and interface stand before it. */
#define PACKET_TIME 12

uint64_t
dp_pcapng_get_tsc(const uint8_t *block)
{
	uint32_t halves[2];
	memcpy(halves, block + PACKET_TIME, sizeof(halves));
	return (uint64_t)halves[0] << 32 | halves[1];
}

void
dp_pcapng_set_time(uint8_t *block, uint64_t ns)
{
	put_ns(block + PACKET_TIME, ns);
}

uint32_t
dp_pcapng_section(uint8_t *to, const char *application)
{
	const uint64_t unknown_length = UINT64_MAX;
	uint8_t *at = put32(to, SECTION) + 4;
	at = put16(put16(put32(at, BYTE_ORDER_MAGIC), 1), 0);
	at = put(at, &unknown_length, sizeof(unknown_length));
	at = put_option(at, APPLICATION, application, (uint16_t)strnlen(application, DP_PCAPNG_MAX_BLOCK / 2));
	return end_block(to, at);
}

uint32_t
dp_pcapng_interface(uint8_t *to, const char *name, uint32_t snaplen)
{
	const uint8_t nanoseconds = 9;
	uint8_t *at = put32(to, INTERFACE) + 4;
	at = put32(put16(put16(at, ETHERNET), 0), snaplen);
	at = put_option(at, INTERFACE_NAME, name, (uint16_t)strnlen(name, DP_PCAPNG_MAX_BLOCK / 2));
	at = put_option(at, TIME_RESOLUTION, &nanoseconds, 1);
	return end_block(to, at);
}

uint32_t
dp_pcapng_statistics(uint8_t *to, uint32_t interface, uint64_t ns, uint64_t received, uint64_t dropped)
{
	uint8_t *at = put32(to, STATISTICS) + 4;
	at = put_ns(put32(at, interface), ns);
	at = put_option(at, RECEIVED, &received, sizeof(received));
	at = put_option(at, DROPPED, &dropped, sizeof(dropped));
	return end_block(to, at);
}
