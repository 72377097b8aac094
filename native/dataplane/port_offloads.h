/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which offloads a port's device is asked for. Each has its price on some driver, so none is taken that nobody needs:
 * on iavf TSO, multi-segment packets or VLAN insertion on any queue take the whole port off its vector path.
 */
#ifndef DP_PORT_OFFLOADS_H
#define DP_PORT_OFFLOADS_H

#include <stdbool.h>
#include <stdint.h>

/* What ports send each other: true when it holds for all of them. */
struct dp_port_traffic {
	bool one_mempool; /* all of it is of one pool: with ports on two NUMA nodes it is not */
	bool one_mbuf;	  /* a frame of any port fits into one mbuf */
};

/* What the operator wants, and what the data plane will do with the port. */
struct dp_port_wish {
	bool tso;	  /* frames of TCP from the kernel may go to the device uncut */
	bool rx_checksum; /* the device is to check what it receives, for the exception path */
	bool vlan_filter; /* only VLANs that the device is told come in */
	struct dp_port_traffic traffic;
};

struct dp_port_offloads {
	uint64_t rx; /* RTE_ETH_RX_OFFLOAD_* */
	uint64_t tx; /* RTE_ETH_TX_OFFLOAD_* */
	bool tso;    /* wanted, and the device can */
	bool rx_checksum;
};

/* `rx_capa` and `tx_capa`: what the device says that it can. */
struct dp_port_offloads dp_port_offloads_choose(uint64_t rx_capa, uint64_t tx_capa, const struct dp_port_wish *wish);

#endif
