/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_headers.h"

#include <rte_mbuf.h>

/* Nobody sends more; what lies behind them is left to the rules, and the walk stays short. */
#define MAX_VLAN_TAGS 8
#define MAX_EXTENSION_HEADERS 16

/* Reads big endian; false when the frame ends before. */
static bool
read_u16(const struct rte_mbuf *mbuf, uint32_t offset, uint16_t *value)
{
	uint8_t copy[2];
	const uint8_t *bytes = rte_pktmbuf_read(mbuf, offset, sizeof(copy), copy);
	if (bytes == NULL)
		return false;
	*value = (uint16_t)(bytes[0] << 8 | bytes[1]);
	return true;
}

static bool
read_u8(const struct rte_mbuf *mbuf, uint32_t offset, uint8_t *value)
{
	uint8_t copy;
	const uint8_t *byte = rte_pktmbuf_read(mbuf, offset, 1, &copy);
	if (byte == NULL)
		return false;
	*value = *byte;
	return true;
}

static bool
ends_before(const struct rte_mbuf *mbuf, uint32_t offset)
{
	return mbuf->pkt_len < offset;
}

static bool
ipv4_truncated(const struct rte_mbuf *mbuf, uint32_t start)
{
	uint8_t version_ihl;
	if (ends_before(mbuf, start + 20) || !read_u8(mbuf, start, &version_ihl))
		return true;
	return ends_before(mbuf, start + (version_ihl & 0xfu) * 4u);
}

/* RFC 8200 4, 4302 (authentication), 6275 (mobility), 7401 (HIP), 5533 (shim6). */
static bool
is_extension_header(uint8_t type)
{
	return type == 0 || type == 43 || type == 44 || type == 51 || type == 60 || type == 135 || type == 139 ||
	       type == 140;
}

static uint32_t
extension_header_length(uint8_t type, uint8_t length)
{
	if (type == 44)
		return 8;
	return type == 51 ? (length + 2u) * 4u : (length + 1u) * 8u;
}

static bool
ipv6_truncated(const struct rte_mbuf *mbuf, uint32_t start)
{
	uint8_t type;
	if (ends_before(mbuf, start + 40) || !read_u8(mbuf, start + 6, &type))
		return true;
	uint32_t offset = start + 40;
	for (unsigned i = 0; i < MAX_EXTENSION_HEADERS && is_extension_header(type); i++) {
		uint16_t next_and_length;
		uint16_t fragment = 0;
		if (!read_u16(mbuf, offset, &next_and_length))
			return true;
		uint32_t length = extension_header_length(type, next_and_length & 0xff);
		if (ends_before(mbuf, offset + length))
			return true;
		if (type == 44 && (!read_u16(mbuf, offset + 2, &fragment) || (fragment & 0xfff8) != 0))
			return false; /* what follows in a later fragment is payload */
		type = (uint8_t)(next_and_length >> 8);
		offset += length;
	}
	return false;
}

bool
dp_filter_headers_truncated(const struct rte_mbuf *mbuf)
{
	uint32_t offset = 12;
	for (unsigned tags = 0; tags <= MAX_VLAN_TAGS; tags++) {
		uint16_t type;
		if (!read_u16(mbuf, offset, &type))
			return true;
		if (type == 0x0800)
			return ipv4_truncated(mbuf, offset + 2);
		if (type == 0x86dd)
			return ipv6_truncated(mbuf, offset + 2);
		if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
			return false;
		offset += 4;
	}
	return false;
}
