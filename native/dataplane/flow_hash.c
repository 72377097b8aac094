/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_hash.h"

#include <stdbool.h>
#include <string.h>

#include <netinet/in.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#define VLAN_TAGS_MAX 2
#define IPV4_FRAGMENT (RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)

/* What a flow is known by. Sums of both ends: the other direction has the same. */
struct flow {
	uint64_t addresses;
	uint32_t ports;
};

static uint32_t
mix(const struct flow *flow)
{
	/* Two rounds of a 64-bit finalizer (Stafford's mix13), of which the upper half is taken. */
	uint64_t x = flow->addresses ^ ((uint64_t)flow->ports << 32);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(x >> 32);
}

static bool
has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

static uint32_t
sum_of_ports(const uint8_t *frame, uint32_t length, uint32_t at)
{
	uint16_t ports[2];
	if (at + sizeof(ports) > length)
		return 0;
	memcpy(ports, frame + at, sizeof(ports));
	return (uint32_t)ports[0] + ports[1];
}

static uint32_t
hash_ipv4(const uint8_t *frame, uint32_t length, uint32_t at)
{
	struct rte_ipv4_hdr header;
	if (at + sizeof(header) > length)
		return 0;
	memcpy(&header, frame + at, sizeof(header));
	struct flow flow = {.addresses = (uint64_t)header.src_addr + header.dst_addr};
	bool whole = (rte_be_to_cpu_16(header.fragment_offset) & IPV4_FRAGMENT) == 0;
	if (whole && has_ports(header.next_proto_id))
		flow.ports = sum_of_ports(frame, length, at + (header.version_ihl & 0xfu) * 4);
	return mix(&flow);
}

static uint32_t
hash_ipv6(const uint8_t *frame, uint32_t length, uint32_t at)
{
	struct rte_ipv6_hdr header;
	if (at + sizeof(header) > length)
		return 0;
	memcpy(&header, frame + at, sizeof(header));
	uint64_t source[2], destination[2];
	memcpy(source, header.src_addr, sizeof(source));
	memcpy(destination, header.dst_addr, sizeof(destination));
	/* The halves differ in weight, or an address that repeats itself would cancel out. */
	struct flow flow = {.addresses = (source[0] + destination[0]) * 3 + source[1] + destination[1]};
	if (has_ports(header.proto))
		flow.ports = sum_of_ports(frame, length, at + sizeof(header));
	return mix(&flow);
}

uint32_t
dp_flow_hash(const struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t length = rte_pktmbuf_data_len(m), at = 2 * RTE_ETHER_ADDR_LEN;
	for (unsigned tags = 0; at + 2 <= length; tags++, at += RTE_VLAN_HLEN) {
		uint16_t type = (uint16_t)(frame[at] << 8 | frame[at + 1]);
		if (type == RTE_ETHER_TYPE_IPV4)
			return hash_ipv4(frame, length, at + 2);
		if (type == RTE_ETHER_TYPE_IPV6)
			return hash_ipv6(frame, length, at + 2);
		bool tag = type == RTE_ETHER_TYPE_VLAN || type == RTE_ETHER_TYPE_QINQ || type == RTE_ETHER_TYPE_QINQ1;
		if (!tag || tags == VLAN_TAGS_MAX)
			break;
	}
	return 0;
}
