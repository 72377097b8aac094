/* SPDX-License-Identifier: Apache-2.0 */
#include "layer2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>

/*
 * The kernel tells no listener when a group is joined, and by rtnetlink only the IP groups. This file has the
 * link-layer addresses, those that VLAN and macvlan children and packet sockets ask for among them: "ifindex name users
 * global-users address".
 */
#define GROUPS_FILE "/proc/net/dev_mcast"

static bool
parse_group(const char *text, struct rte_ether_addr *group)
{
	unsigned b[RTE_ETHER_ADDR_LEN];
	if (strlen(text) != 12 ||
	    sscanf(text, "%2x%2x%2x%2x%2x%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != RTE_ETHER_ADDR_LEN)
		return false;
	for (unsigned i = 0; i < RTE_ETHER_ADDR_LEN; i++)
		group->addr_bytes[i] = (uint8_t)b[i];
	return rte_is_multicast_ether_addr(group);
}

/* Fills `groups`; returns how many there are, which may be more than fit, or -errno. */
static int
read_groups(const char *tap, struct rte_ether_addr *groups)
{
	FILE *file = fopen(GROUPS_FILE, "re");
	if (file == NULL)
		return -errno;
	char line[256], name[32], address[80];
	int n = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		struct rte_ether_addr group;
		if (sscanf(line, "%*d %31s %*d %*d %79s", name, address) != 2 || strcmp(name, tap) != 0 ||
		    !parse_group(address, &group))
			continue;
		if (n < DP_MAX_GROUPS)
			groups[n] = group;
		n++;
	}
	fclose(file);
	return n;
}

/* Whether the device lets every group in. Virtual ones that filter nothing know neither a list nor such a mode. */
static bool
takes_all_multicast(const struct dp_port *port, bool knows_lists)
{
	int rc = rte_eth_allmulticast_enable(port->id);
	return rc == 0 || rte_eth_promiscuous_get(port->id) == 1 || (rc == -ENOTSUP && !knows_lists);
}

/* A list that is too long, or that the device does not take, becomes all multicast. */
static void
tell_groups(struct dp_layer2 *layer2, const struct dp_port *port)
{
	layer2->groups_rc = rte_eth_dev_set_mc_addr_list(port->id, layer2->groups, layer2->n_groups);
	if (layer2->groups_rc == 0 && layer2->found > layer2->n_groups)
		layer2->groups_rc = -ENOSPC;
	if (layer2->groups_rc != 0) {
		layer2->all_multicast = takes_all_multicast(port, layer2->groups_rc != -ENOTSUP);
		return;
	}
	/* Only a port that follows its tap alone was not in this mode before. */
	if (layer2->all_multicast && port->follows_tap_alone) {
		rte_eth_allmulticast_disable(port->id);
		layer2->groups_rc = rte_eth_dev_set_mc_addr_list(port->id, layer2->groups, layer2->n_groups);
	}
	layer2->all_multicast = false;
}

static bool
follow_groups(struct dp_layer2 *layer2, const struct dp_port *port, const char *tap)
{
	struct rte_ether_addr groups[DP_MAX_GROUPS];
	int found = read_groups(tap, groups);
	if (found < 0)
		return false;
	unsigned n = (unsigned)found < port->max_groups ? (unsigned)found : port->max_groups;
	/* Those that do not fit count too: they make it all multicast. */
	bool same = (unsigned)found == layer2->found && memcmp(groups, layer2->groups, n * sizeof(*groups)) == 0;
	if (layer2->told && same)
		return false;
	memcpy(layer2->groups, groups, n * sizeof(*groups));
	layer2->n_groups = n;
	layer2->found = (unsigned)found;
	tell_groups(layer2, port);
	return !same;
}

static bool
holds(const struct rte_ether_addr *list, unsigned n, const struct rte_ether_addr *mac)
{
	for (unsigned i = 0; i < n; i++)
		if (rte_is_same_ether_addr(&list[i], mac))
			return true;
	return false;
}

/* A device that knows no second address needs none where it is promiscuous: then nothing is filtered. */
static int
add_unicast(const struct dp_port *port, struct rte_ether_addr *mac)
{
	int rc = rte_eth_dev_mac_addr_add(port->id, mac, 0);
	return rc == -ENOTSUP && rte_eth_promiscuous_get(port->id) == 1 ? 0 : rc;
}

static bool
follow_unicast(struct dp_layer2 *layer2, const struct dp_port *port, int tap_index)
{
	struct rte_ether_addr wanted[DP_MAX_UNICAST];
	int found = dp_netlink_unicast(tap_index, port->mac, (uint8_t(*)[6])wanted, DP_MAX_UNICAST);
	if (found < 0)
		return false;
	unsigned n = (unsigned)found < DP_MAX_UNICAST ? (unsigned)found : DP_MAX_UNICAST;
	bool same = n == layer2->n_unicast && memcmp(wanted, layer2->unicast, n * sizeof(*wanted)) == 0;
	if (layer2->told && same)
		return false;
	/* Room first: devices have few places. */
	for (unsigned i = 0; i < layer2->n_unicast; i++)
		if (!holds(wanted, n, &layer2->unicast[i]) && (layer2->unicast_refused >> i & 1) == 0)
			rte_eth_dev_mac_addr_remove(port->id, &layer2->unicast[i]);
	layer2->unicast_refused = 0;
	for (unsigned i = 0; i < n; i++) {
		int rc = add_unicast(port, &wanted[i]);
		if (rc != 0) {
			layer2->unicast_refused |= UINT64_C(1) << i;
			layer2->unicast_rc = rc;
		}
	}
	memcpy(layer2->unicast, wanted, n * sizeof(*wanted));
	layer2->n_unicast = n;
	return !same;
}

static bool
has(const struct dp_vlans *vlans, unsigned id)
{
	return (vlans->bits[id / 64] >> (id % 64) & 1) != 0;
}

static void
mark(struct dp_vlans *vlans, unsigned id, bool on)
{
	uint64_t bit = UINT64_C(1) << (id % 64);
	vlans->bits[id / 64] = on ? vlans->bits[id / 64] | bit : vlans->bits[id / 64] & ~bit;
}

static bool
follow_vlans(struct dp_layer2 *layer2, const struct dp_port *port, const struct dp_vlans *wanted)
{
	if (!port->vlan_filter)
		return false;
	bool changed = false;
	for (unsigned id = 1; id < DP_VLAN_IDS - 1; id++) {
		bool on = has(wanted, id) || has(&port->plan->vlans, id), before = has(&layer2->vlans, id);
		if (on == before && (layer2->told || !on))
			continue;
		int rc = rte_eth_dev_vlan_filter(port->id, (uint16_t)id, on);
		mark(&layer2->vlans, id, on);
		mark(&layer2->vlans_refused, id, on && rc != 0);
		if (on && rc != 0)
			layer2->vlans_rc = rc;
		changed |= on != before;
	}
	return changed;
}

bool
dp_layer2_follow(struct dp_layer2 *layer2, const struct dp_port *port, const char *tap, int tap_index,
		 const struct dp_vlans *vlans)
{
	bool first = !layer2->told;
	bool changed = follow_vlans(layer2, port, vlans);
	if (tap != NULL && tap_index != 0) {
		changed |= follow_groups(layer2, port, tap);
		changed |= follow_unicast(layer2, port, tap_index);
	}
	layer2->told = true;
	return changed || first;
}

void
dp_layer2_forget(struct dp_layer2 *layer2)
{
	layer2->told = false;
}

unsigned
dp_layer2_vlans(const struct dp_vlans *vlans)
{
	unsigned n = 0;
	for (unsigned i = 0; i < DP_VLAN_IDS / 64; i++)
		n += (unsigned)__builtin_popcountll(vlans->bits[i]);
	return n;
}

static void
describe_refused_vlans(const struct dp_layer2 *layer2, struct dp_filters *filters)
{
	filters->vlans_refused = dp_layer2_vlans(&layer2->vlans_refused);
	for (unsigned id = 1, n = 0; id < DP_VLAN_IDS && n < DP_MAX_SHOWN; id++)
		if (has(&layer2->vlans_refused, id))
			filters->refused_vlans[n++] = (uint16_t)id;
	filters->vlans_errnum = filters->vlans_refused == 0 ? 0 : abs(layer2->vlans_rc);
}

static void
describe_refused_unicast(const struct dp_layer2 *layer2, struct dp_filters *filters)
{
	for (unsigned i = 0; i < layer2->n_unicast; i++) {
		if ((layer2->unicast_refused >> i & 1) == 0)
			continue;
		if (filters->unicast_refused < DP_MAX_SHOWN)
			memcpy(filters->refused_unicast[filters->unicast_refused], layer2->unicast[i].addr_bytes, 6);
		filters->unicast_refused++;
	}
	filters->unicast_errnum = filters->unicast_refused == 0 ? 0 : abs(layer2->unicast_rc);
}

void
dp_layer2_describe(const struct dp_layer2 *layer2, struct dp_filters *filters)
{
	*filters = (struct dp_filters){
		.groups = layer2->n_groups,
		.all_multicast = layer2->all_multicast,
		.groups_errnum = layer2->groups_rc == 0 || layer2->all_multicast ? 0 : abs(layer2->groups_rc),
		.vlans = dp_layer2_vlans(&layer2->vlans),
		.unicast = layer2->n_unicast,
	};
	describe_refused_vlans(layer2, filters);
	describe_refused_unicast(layer2, filters);
}
