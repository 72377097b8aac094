/* SPDX-License-Identifier: Apache-2.0 */
#include "port_offloads.h"

#include <rte_ethdev.h>

/* A device that cuts a frame also finishes the checksums of the pieces, and takes the frame in more than one mbuf. */
#define TSO                                                                                          \
	(RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | \
	 RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
/* Of the transport alone: a packet that the IP header's checksum condemns is the kernel's to count. */
#define RX_CHECKSUM (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)

static bool
has_all(uint64_t capabilities, uint64_t offloads)
{
	return (capabilities & offloads) == offloads;
}

/* None of our mbufs is ever shared or indirect; the rest of what MBUF_FAST_FREE promises is up to the port. */
static bool
may_free_fast(const struct dp_port_wish *wish, uint64_t tx)
{
	return wish->traffic.one_mempool && (tx & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0;
}

struct dp_port_offloads
dp_port_offloads_choose(uint64_t rx_capa, uint64_t tx_capa, const struct dp_port_wish *wish)
{
	struct dp_port_offloads chosen = {
		.tso = wish->tso && has_all(tx_capa, TSO),
		.rx_checksum = wish->rx_checksum && has_all(rx_capa, RX_CHECKSUM),
	};
	if (chosen.tso)
		chosen.tx |= TSO;
	if (!wish->traffic.one_mbuf)
		chosen.tx |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS & tx_capa;
	if (may_free_fast(wish, chosen.tx))
		chosen.tx |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE & tx_capa;
	if (chosen.rx_checksum)
		chosen.rx |= RX_CHECKSUM;
	if (wish->vlan_filter)
		chosen.rx |= RTE_ETH_RX_OFFLOAD_VLAN_FILTER & rx_capa;
	if (!wish->traffic.one_mbuf)
		chosen.rx |= RTE_ETH_RX_OFFLOAD_SCATTER & rx_capa;
	return chosen;
}
