/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control thread does while traffic runs: reads what devices and kernel count, follows links, taps and
 * addresses, tells the ports what to let in, and brings back a port whose device was reset. Control thread only.
 */
#ifndef DP_UPKEEP_H
#define DP_UPKEEP_H

#include "hotplug.h"
#include "layer2.h"
#include "netlink.h"
#include "tx_watch.h"
#include "wiring.h"

struct dp_upkeep {
	struct dp_machine *machine;
	struct dp_events events;
	int netlink_fd;
	struct dp_tap_row *tap_rows[DP_MAX_PORTS]; /* NULL: no exception path */
	int tap_index[DP_MAX_PORTS]; /* of the netdev that we attached to; 0 before, and once it is gone for good */
	int carrier[DP_MAX_PORTS];   /* a descriptor of the tap, or -1 */
	struct dp_vlans vlans[DP_MAX_PORTS]; /* of the tap's children */
	struct dp_layer2 layer2[DP_MAX_PORTS];
	struct dp_mtu mtu[DP_MAX_PORTS]; /* as told last */
	struct dp_hotplug hotplug[DP_MAX_PORTS];
	struct dp_tx_watch tx_watch[DP_MAX_PORTS];
	struct dp_addresses addresses[DP_MAX_PORTS];
	unsigned n_addresses;
	bool addresses_stale; /* something changed; read again in this turn */
	int64_t refreshed_ms;
};

/* Watches the network namespace from now on. 0, or -errno. */
int dp_upkeep_begin(struct dp_upkeep *upkeep, struct dp_machine *machine, const struct dp_events *events);
/* Ports and taps are wired, nothing runs yet: reads addresses and taps, listens to what devices tell. */
void dp_upkeep_look(struct dp_upkeep *upkeep);
/* Everything runs: reads it all for the first time, without telling of links. */
void dp_upkeep_first(struct dp_upkeep *upkeep);
/* See dp_service(). */
void dp_upkeep_turn(struct dp_upkeep *upkeep, int wake_fd);
/* Nothing moves any more: reads the last values. */
void dp_upkeep_last(struct dp_upkeep *upkeep);
void dp_upkeep_end(struct dp_upkeep *upkeep);

#endif
