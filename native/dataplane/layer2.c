/* SPDX-License-Identifier: Apache-2.0 */
#include "layer2.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_log.h>

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

static bool
follow_groups(struct dp_layer2 *layer2, const struct dp_port *port, const char *tap)
{
	struct rte_ether_addr groups[DP_MAX_GROUPS];
	int found = read_groups(tap, groups);
	if (found < 0)
		return false;
	unsigned n = (unsigned)found < port->max_groups ? (unsigned)found : port->max_groups;
	bool same = n == layer2->n_groups && memcmp(groups, layer2->groups, n * sizeof(*groups)) == 0;
	if (layer2->told && same)
		return false;
	memcpy(layer2->groups, groups, n * sizeof(*groups));
	layer2->n_groups = n;
	layer2->groups_rc = rte_eth_dev_set_mc_addr_list(port->id, layer2->groups, n);
	if (layer2->groups_rc == 0 && (unsigned)found > n)
		layer2->groups_rc = -ENOSPC;
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
		bool on = has(wanted, id), before = has(&layer2->vlans, id);
		if (on == before && (layer2->told || !on))
			continue;
		int rc = rte_eth_dev_vlan_filter(port->id, (uint16_t)id, on);
		mark(&layer2->vlans, id, on);
		mark(&layer2->vlans_refused, id, on && rc != 0);
		changed |= on != before;
	}
	return changed;
}

bool
dp_layer2_follow(struct dp_layer2 *layer2, const struct dp_port *port, const char *tap, const struct dp_vlans *vlans)
{
	bool groups = follow_groups(layer2, port, tap);
	bool changed = follow_vlans(layer2, port, vlans);
	layer2->told = true;
	return groups || changed;
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
