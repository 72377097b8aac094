/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <errno.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "eal.h"
#include "error.h"
#include "port_mtu.h"

#define VLAN_TAGS_BYTES 8
/* As many groups fit into one message to the PF of igb and ixgbe; their drivers leave out the rest without a word. */
#define MAILBOX_GROUPS 30

/*
 * VFs whose PF lets no VLAN through that the VF has not asked for. On other devices a filter would only take away what
 * the rules name.
 */
static const char *const filtered_drivers[] = {"net_e1000_igb_vf", "net_ixgbe_vf"};

static bool
is_igb_vf(const struct dp_port *port)
{
	return strcmp(port->driver, "net_e1000_igb_vf") == 0;
}

static bool
has_filtered_vlans(const struct rte_eth_dev_info *info)
{
	if ((info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER) == 0)
		return false;
	for (unsigned i = 0; i < sizeof(filtered_drivers) / sizeof(filtered_drivers[0]); i++)
		if (strcmp(info->driver_name, filtered_drivers[i]) == 0)
			return true;
	return false;
}

int
dp_port_open(struct dp_port *port, const struct dp_port_plan *plan, struct dp_error *error)
{
	port->plan = plan;
	if (dp_eal_probe(plan->devargs, &port->id, error) < 0)
		return -1;
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port->id, &info);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_info_get", plan->name, "%s", rte_strerror(-rc));
	snprintf(port->driver, sizeof(port->driver), "%s", info.driver_name);
	rte_eth_dev_get_name_by_port(port->id, port->device);
	struct rte_ether_addr mac;
	rc = rte_eth_macaddr_get(port->id, &mac);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_macaddr_get", plan->name, "%s", rte_strerror(-rc));
	memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
	port->numa_node = rte_eth_dev_socket_id(port->id);
	return 0;
}

static uint16_t
smaller(unsigned a, unsigned b)
{
	return (uint16_t)(a < b ? a : b);
}

static int
set_up_queues(struct dp_port *port, const struct rte_eth_dev_info *info, uint16_t n_tx, uint64_t tx_offloads,
	      struct dp_error *error)
{
	uint16_t rxd = port->plan->rx_descriptors, txd = port->plan->tx_descriptors;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rxd, &txd);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_adjust_nb_rx_tx_desc", port->plan->name, "%s",
			       rte_strerror(-rc));
	unsigned node = port->numa_node < 0 ? 0 : (unsigned)port->numa_node;
	struct rte_eth_rxconf rx = info->default_rxconf;
	struct rte_eth_txconf tx = info->default_txconf;
	tx.offloads = tx_offloads;
	for (uint16_t q = 0; q < port->n_queues; q++) {
		rc = rte_eth_rx_queue_setup(port->id, q, rxd, node, &rx, port->mempool);
		if (rc < 0)
			return dp_fail(error, -rc, "rte_eth_rx_queue_setup", port->plan->name,
				       "queue %u, %u descriptors: %s", q, rxd, rte_strerror(-rc));
	}
	for (uint16_t q = 0; q < n_tx; q++) {
		rc = rte_eth_tx_queue_setup(port->id, q, txd, node, &tx);
		if (rc < 0)
			return dp_fail(error, -rc, "rte_eth_tx_queue_setup", port->plan->name,
				       "queue %u, %u descriptors: %s", q, txd, rte_strerror(-rc));
	}
	return 0;
}

void
dp_port_take_mtu(struct dp_port *port, uint16_t mtu)
{
	port->mtu = mtu;
	port->max_frame = mtu + RTE_ETHER_HDR_LEN + VLAN_TAGS_BYTES;
}

/* Everything that the device forgets when it is reset. */
static int
configure_device(struct dp_port *port, const struct rte_eth_dev_info *info, struct dp_error *error)
{
	const struct dp_port_plan *plan = port->plan;
	uint16_t n_tx = (uint16_t)(port->n_queues + (port->spare_tx_queue ? 1 : 0));
	int rc;
	struct rte_eth_conf conf = {0};
	if (port->n_queues > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) & info->flow_type_rss_offloads;
		if (conf.rx_adv_conf.rss_conf.rss_hf == 0)
			conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	}
	conf.rxmode.offloads = port->offloads.rx;
	conf.txmode.offloads = port->offloads.tx;
	if (port->asked_mtu != 0)
		conf.rxmode.mtu = port->asked_mtu;
	rc = rte_eth_dev_configure(port->id, port->n_queues, n_tx, &conf);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_configure", plan->name, "%u receive and %u transmit queues: %s",
			       port->n_queues, n_tx, rte_strerror(-rc));
	if (port->asked_mtu != 0 && (rc = rte_eth_dev_set_mtu(port->id, port->asked_mtu)) < 0 && rc != -ENOTSUP)
		return dp_fail(error, -rc, "rte_eth_dev_set_mtu", plan->name, "%u bytes: %s", port->asked_mtu,
			       rte_strerror(-rc));
	uint16_t mtu;
	rc = rte_eth_dev_get_mtu(port->id, &mtu);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_get_mtu", plan->name, "%s", rte_strerror(-rc));
	dp_port_take_mtu(port, mtu);
	return set_up_queues(port, info, n_tx, conf.txmode.offloads, error);
}

static bool
names_vlans(const struct dp_port_plan *plan)
{
	for (unsigned i = 0; i < DP_VLAN_IDS / 64; i++)
		if (plan->vlans.bits[i] != 0)
			return true;
	return false;
}

/* dev_configure() forgets the device's own MTU. One that the port only follows is not worth a start. */
static int
configure_with_mtu(struct dp_port *port, const struct rte_eth_dev_info *info, struct dp_error *error)
{
	uint32_t most;
	bool only_wish = port->plan->mtu == 0 || port->plan->follow_mtu;
	int rc = rte_eth_dev_get_mtu(port->id, &port->own_mtu);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_get_mtu", port->plan->name, "%s", rte_strerror(-rc));
	dp_port_take_mtu(port, port->own_mtu);
	port->asked_mtu = port->plan->mtu;
	if (port->plan->mtu == 0 && port->own_mtu != RTE_ETHER_MTU)
		port->asked_mtu = port->own_mtu;
	if (only_wish && dp_port_mtu_limit(port, port->asked_mtu, &most) != DP_MTU_FREE)
		port->asked_mtu = 0;
	rc = configure_device(port, info, error);
	if (rc == 0 || port->asked_mtu == 0 || !only_wish)
		return rc;
	port->asked_mtu = 0;
	return configure_device(port, info, error);
}

bool
dp_port_has_long_frames(const struct dp_port *port, struct rte_mempool *mempool)
{
	uint16_t mtu = port->plan->mtu;
	/* A device that is not told its MTU keeps the one it has. */
	if (mtu == 0 && rte_eth_dev_get_mtu(port->id, &mtu) < 0)
		mtu = RTE_ETHER_MTU;
	uint32_t longest = mtu + RTE_ETHER_HDR_LEN + VLAN_TAGS_BYTES + RTE_ETHER_CRC_LEN;
	return longest > (uint32_t)rte_pktmbuf_data_room_size(mempool) - RTE_PKTMBUF_HEADROOM;
}

static struct dp_port_offloads
choose_offloads(const struct dp_port *port, const struct rte_eth_dev_info *info, const struct dp_port_traffic *traffic)
{
	bool kernel_path = port->plan->exception.backend != DP_BACKEND_NONE;
	const struct dp_port_wish wish = {
		.tso = kernel_path && port->plan->tso,
		.rx_checksum = kernel_path && port->plan->rx_checksum,
		.vlan_filter = port->vlan_filter,
		.traffic = *traffic,
	};
	return dp_port_offloads_choose(info->rx_offload_capa, info->tx_offload_capa, &wish);
}

int
dp_port_configure(struct dp_port *port, unsigned n_lcores, struct rte_mempool *mempool,
		  const struct dp_port_traffic *traffic, struct dp_error *error)
{
	const struct dp_port_plan *plan = port->plan;
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port->id, &info);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_info_get", plan->name, "%s", rte_strerror(-rc));
	port->mempool = mempool;
	unsigned most = smaller(info.max_rx_queues, info.max_tx_queues);
	if (plan->queues > most)
		return dp_fail(error, ERANGE, "rte_eth_dev_configure", plan->name,
			       "asked for %u queues, the device has %u", plan->queues, most);
	port->n_queues = smaller(plan->queues == 0 ? n_lcores : smaller(plan->queues, n_lcores), most);
	if (port->n_queues == 0)
		return dp_fail(error, ENODEV, "rte_eth_dev_info_get", plan->name, "the device offers no queue");
	port->spare_tx_queue = plan->exception.backend != DP_BACKEND_NONE && plan->exception.queues <= 1 &&
			       info.max_tx_queues > port->n_queues;
	port->vlan_filter = (dp_has_tap(plan) || names_vlans(plan)) && has_filtered_vlans(&info);
	port->offloads = choose_offloads(port, &info, traffic);
	port->max_groups = has_filtered_vlans(&info) ? MAILBOX_GROUPS : DP_MAX_GROUPS;
	/* Its PF tells by a mailbox interrupt, which was seen not to arrive; the link is down for a moment. */
	port->resets_silently = is_igb_vf(port);
	/*
	 * The PF of igb grants its VFs no foreign unicast. Asked for it, it goes over to all multicast and forgets the
	 * list of groups, which is all that QEMU's igb goes by.
	 */
	port->follows_tap_alone = dp_has_tap(plan) && is_igb_vf(port);
	return configure_with_mtu(port, &info, error);
}

int
dp_port_start(struct dp_port *port, struct dp_error *error)
{
	int rc = rte_eth_dev_start(port->id);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_start", port->plan->name, "%s", rte_strerror(-rc));
	port->started = true;
	if (!port->follows_tap_alone) {
		/* As testpmd does; a VF that is not trusted may refuse, or say yes and mean no (layer2.h). */
		rte_eth_promiscuous_enable(port->id);
		rte_eth_allmulticast_enable(port->id);
	}
	return 0;
}

int
dp_port_configure_again(struct dp_port *port, struct dp_error *error)
{
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port->id, &info);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_info_get", port->plan->name, "%s", rte_strerror(-rc));
	unsigned n_tx = port->n_queues + (port->spare_tx_queue ? 1u : 0u);
	if (info.max_rx_queues < port->n_queues || info.max_tx_queues < n_tx)
		return dp_fail(error, ERANGE, "rte_eth_dev_configure", port->plan->name,
			       "had %u receive and %u transmit queues, now the device has %u and %u", port->n_queues,
			       n_tx, info.max_rx_queues, info.max_tx_queues);
	return configure_device(port, &info, error);
}

int
dp_port_recover(struct dp_port *port, struct dp_error *error)
{
	port->started = false;
	int rc = rte_eth_dev_reset(port->id);
	if (rc == -ENOTSUP) {
		/* Drivers without a reset of their own do it at every start. */
		rc = rte_eth_dev_stop(port->id);
	} else if (rc == 0 && dp_port_configure_again(port, error) < 0) {
		return -1;
	}
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_reset", port->plan->name, "%s", rte_strerror(-rc));
	return dp_port_start(port, error);
}

/*
 * What a device counted between two readings. Some VFs count in 32 bits: from the upper half of that range to the lower
 * the counter has come round; any other step down is a device that was reset and counts from zero.
 */
uint64_t
dp_port_counter_step(uint64_t before, uint64_t now)
{
	if (now >= before)
		return now - before;
	bool came_round = before <= UINT32_MAX && before > INT32_MAX && now <= INT32_MAX;
	return came_round ? now + (UINT64_C(1) << 32) - before : now;
}

static void
add_reading(dp_slot_t *slot, uint64_t *last, uint64_t now)
{
	dp_count(slot, dp_port_counter_step(*last, now));
	*last = now;
}

bool
dp_port_refresh_counters(struct dp_port *port)
{
	struct rte_eth_stats stats;
	if (port->removed || !port->started || rte_eth_stats_get(port->id, &stats) != 0)
		return false;
	add_reading(&port->row->rx_packets, &port->last.rx_packets, stats.ipackets);
	add_reading(&port->row->rx_bytes, &port->last.rx_bytes, stats.ibytes);
	add_reading(&port->row->tx_packets, &port->last.tx_packets, stats.opackets);
	add_reading(&port->row->tx_bytes, &port->last.tx_bytes, stats.obytes);
	add_reading(&port->row->rx_missed, &port->last.rx_missed, stats.imissed);
	add_reading(&port->row->rx_errors, &port->last.rx_errors, stats.ierrors);
	add_reading(&port->row->rx_nombuf, &port->last.rx_nombuf, stats.rx_nombuf);
	add_reading(&port->row->tx_errors, &port->last.tx_errors, stats.oerrors);
	return true;
}

bool
dp_port_refresh_link(struct dp_port *port, uint32_t *speed_mbps)
{
	struct rte_eth_link link = {0};
	/* A device that is gone has no link: the tap's carrier tells routing so. */
	port->link_known = port->removed || (port->started && rte_eth_link_get_nowait(port->id, &link) == 0);
	if (!port->link_known)
		return false;
	bool up = link.link_status == RTE_ETH_LINK_UP;
	bool changed = up != port->link_up;
	*speed_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
	port->link_up = up;
	dp_set(&port->row->link_up, up);
	dp_set(&port->row->link_speed_mbps, *speed_mbps);
	return changed;
}

void
dp_port_close(struct dp_port *port)
{
	if (port->plan == NULL || port->driver[0] == '\0')
		return;
	if (port->started)
		rte_eth_dev_stop(port->id);
	port->started = false;
	rte_eth_dev_close(port->id);
	port->driver[0] = '\0';
}
