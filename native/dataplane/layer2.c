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
	int n = read_groups(tap, groups);
	/* Too many for a list: all multicast was asked for when the port was started. */
	if (n < 0 || n > DP_MAX_GROUPS)
		return false;
	size_t bytes = (size_t)n * sizeof(*groups);
	if (layer2->told && (unsigned)n == layer2->n_groups && memcmp(groups, layer2->groups, bytes) == 0)
		return false;
	memcpy(layer2->groups, groups, bytes);
	layer2->n_groups = (unsigned)n;
	layer2->groups_rc = rte_eth_dev_set_mc_addr_list(port->id, layer2->groups, layer2->n_groups);
	return true;
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
		bool on = has(wanted, id);
		if (on == has(&layer2->vlans, id))
			continue;
		int rc = rte_eth_dev_vlan_filter(port->id, (uint16_t)id, on);
		mark(&layer2->vlans, id, on);
		mark(&layer2->vlans_refused, id, on && rc != 0);
		changed = true;
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
	*layer2 = (struct dp_layer2){0};
}

unsigned
dp_layer2_vlans(const struct dp_vlans *vlans)
{
	unsigned n = 0;
	for (unsigned i = 0; i < DP_VLAN_IDS / 64; i++)
		n += (unsigned)__builtin_popcountll(vlans->bits[i]);
	return n;
}
