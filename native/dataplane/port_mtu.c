/* SPDX-License-Identifier: Apache-2.0 */
#include "port_mtu.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

/* As ethdev reckons it: what a driver adds to an MTU. */
static uint32_t
frame_overhead(const struct rte_eth_dev_info *info)
{
	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		return info->max_rx_pktlen - info->max_mtu;
	return RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
}

static uint32_t
device_mtu(const struct rte_eth_dev_info *info)
{
	uint32_t longest = info->max_rx_pktlen - frame_overhead(info);
	return longest < info->max_mtu ? longest : info->max_mtu;
}

/* Nothing is scattered: a frame has to fit into one mbuf. */
static uint32_t
mbuf_mtu(const struct dp_port *port)
{
	uint32_t room = (uint32_t)rte_pktmbuf_data_room_size(port->mempool) - RTE_PKTMBUF_HEADROOM;
	return room - (port->max_frame - port->mtu) - RTE_ETHER_CRC_LEN;
}

enum dp_mtu_limit
dp_port_mtu_limit(const struct dp_port *port, uint16_t mtu, uint32_t *most)
{
	struct rte_eth_dev_info info;
	if (rte_eth_dev_info_get(port->id, &info) != 0)
		return DP_MTU_FREE;
	*most = device_mtu(&info);
	if (mtu > *most)
		return DP_MTU_DEVICE;
	*most = mbuf_mtu(port);
	return mtu > *most ? DP_MTU_MBUF : DP_MTU_FREE;
}

static int
restart_with_mtu(struct dp_port *port, uint16_t mtu)
{
	struct dp_error error = {0};
	port->started = false;
	int rc = rte_eth_dev_stop(port->id);
	if (rc < 0)
		return rc;
	port->asked_mtu = mtu;
	if (dp_port_configure_again(port, &error) < 0 || dp_port_start(port, &error) < 0)
		return -error.errnum;
	return 0;
}

int
dp_port_change_mtu(struct dp_port *port, uint16_t mtu)
{
	uint16_t before = port->mtu;
	int rc = rte_eth_dev_set_mtu(port->id, mtu);
	if (rc == 0) {
		port->asked_mtu = mtu;
		dp_port_take_mtu(port, mtu);
		return 0;
	}
	/* Some drivers have it only from dev_configure(), some only while they are stopped. */
	rc = restart_with_mtu(port, mtu);
	if (rc < 0)
		restart_with_mtu(port, before);
	return rc;
}
