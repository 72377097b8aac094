/* SPDX-License-Identifier: Apache-2.0 */
/* Mode icmpecho: answers every ARP request and every ICMP echo request, behind up to two VLAN tags, as testpmd does. */
#include <netinet/in.h>

#include <rte_arp.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#include "forward.h"

static bool
answer_arp(uint8_t *frame, struct rte_arp_hdr *arp, const uint8_t own_mac[6])
{
	if (arp->arp_hardware != htons(RTE_ARP_HRD_ETHER) || arp->arp_protocol != htons(RTE_ETHER_TYPE_IPV4) ||
	    arp->arp_hlen != RTE_ETHER_ADDR_LEN || arp->arp_plen != sizeof(uint32_t) ||
	    arp->arp_opcode != htons(RTE_ARP_OP_REQUEST))
		return false;
	struct rte_arp_ipv4 *data = &arp->arp_data;
	uint32_t asked = data->arp_tip;
	arp->arp_opcode = htons(RTE_ARP_OP_REPLY);
	data->arp_tha = data->arp_sha;
	data->arp_tip = data->arp_sip;
	memcpy(data->arp_sha.addr_bytes, own_mac, RTE_ETHER_ADDR_LEN);
	data->arp_sip = asked;
	memcpy(frame, frame + RTE_ETHER_ADDR_LEN, RTE_ETHER_ADDR_LEN);
	memcpy(frame + RTE_ETHER_ADDR_LEN, own_mac, RTE_ETHER_ADDR_LEN);
	return true;
}

static bool
answer_echo(uint8_t *frame, struct rte_ipv4_hdr *ip, size_t left, const uint8_t own_mac[6])
{
	size_t header = (size_t)rte_ipv4_hdr_len(ip);
	if ((ip->version_ihl >> 4) != 4 || header < sizeof(*ip) || left < header + sizeof(struct rte_icmp_hdr) ||
	    ip->next_proto_id != IPPROTO_ICMP || (ip->fragment_offset & htons(0x1fff)) != 0)
		return false;
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)((uint8_t *)ip + header);
	if (icmp->icmp_type != RTE_IP_ICMP_ECHO_REQUEST || icmp->icmp_code != 0)
		return false;
	icmp->icmp_type = RTE_IP_ICMP_ECHO_REPLY;
	/* RFC 1624: the sum's complement changes by what the type changed. */
	uint32_t sum = (uint32_t)icmp->icmp_cksum + htons(RTE_IP_ICMP_ECHO_REQUEST << 8);
	icmp->icmp_cksum = (uint16_t)(sum + (sum >> 16));
	uint32_t asker = ip->src_addr, asked = ip->dst_addr;
	ip->dst_addr = asker;
	ip->src_addr = asked;
	if ((ntohl(asked) >> 28) == 14) {
		/* A multicast address may not be a source: as testpmd does, a neighbour of the asker's address. */
		uint32_t near = ntohl(asker) & ~UINT32_C(3);
		ip->src_addr = htonl((ntohl(asker) & 3) == 1 ? near | 2 : near | 1);
		ip->hdr_checksum = 0;
		ip->hdr_checksum = rte_ipv4_cksum(ip);
	}
	dp_swap_macs(frame, own_mac);
	return true;
}

bool
dp_icmp_echo_reply(struct rte_mbuf *m, const uint8_t own_mac[6])
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	size_t left = rte_pktmbuf_data_len(m), at = RTE_ETHER_HDR_LEN;
	uint16_t type;
	memcpy(&type, frame + 12, sizeof(type));
	for (int tags = 0; tags < 2 && (type == htons(RTE_ETHER_TYPE_VLAN) || type == htons(RTE_ETHER_TYPE_QINQ));
	     tags++) {
		if (left < at + sizeof(struct rte_vlan_hdr))
			return false;
		memcpy(&type, frame + at + 2, sizeof(type));
		at += sizeof(struct rte_vlan_hdr);
	}
	if (type == htons(RTE_ETHER_TYPE_ARP) && left >= at + sizeof(struct rte_arp_hdr))
		return answer_arp(frame, (struct rte_arp_hdr *)(frame + at), own_mac);
	if (type == htons(RTE_ETHER_TYPE_IPV4) && left >= at + sizeof(struct rte_ipv4_hdr))
		return answer_echo(frame, (struct rte_ipv4_hdr *)(frame + at), left - at, own_mac);
	return false;
}
