/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a port must let in so that its tap's kernel gets it: the multicast groups that the tap listens to, the VLANs of
 * its children, and the addresses of those that have one of their own (macvlan, VRRP). A VF without trust may not be
 * promiscuous, and its driver may say that it is: so the port is told what to let in, always. Control thread only.
 */
#ifndef DP_LAYER2_H
#define DP_LAYER2_H

#include <rte_ether.h>

#include "netlink.h"
#include "port.h"

/* What a port was last told. */
struct dp_layer2 {
	struct rte_ether_addr groups[DP_MAX_GROUPS];
	unsigned n_groups;
	unsigned found;	    /* groups of the tap, of which the list may hold fewer */
	int groups_rc;	    /* 0, -ENOSPC when there are more, or what rte_eth_dev_set_mc_addr_list() said */
	bool all_multicast; /* instead of the list */
	struct dp_vlans vlans;
	struct dp_vlans vlans_refused;
	int vlans_rc; /* of the last one that was refused */
	struct rte_ether_addr unicast[DP_MAX_UNICAST];
	unsigned n_unicast;
	uint64_t unicast_refused; /* bit i: unicast[i] */
	int unicast_rc;		  /* of the last one that was refused */
	bool told;		  /* since the port was started */
};

/*
 * Tells the port the groups and addresses of the netdev `tap` (NULL: there is none), of link index `tap_index`, and the
 * VLANs `vlans`, where they changed; true when they did. What cannot be read now stays as it was.
 */
bool dp_layer2_follow(struct dp_layer2 *layer2, const struct dp_port *port, const char *tap, int tap_index,
		      const struct dp_vlans *vlans);
/* The port forgot: it was stopped and started. */
void dp_layer2_forget(struct dp_layer2 *layer2);
/* What there is to tell others about it. */
void dp_layer2_describe(const struct dp_layer2 *layer2, struct dp_filters *filters);
unsigned dp_layer2_vlans(const struct dp_vlans *vlans);

#endif
