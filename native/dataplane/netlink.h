/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel knows about taps, by rtnetlink in the process's network namespace (sysfs may show another's).
 * Control thread only.
 */
#ifndef DP_NETLINK_H
#define DP_NETLINK_H

#include "dataplane.h"

struct dp_link {
	int index;
	bool is_tap;
	bool multi_queue;
	bool has_owner, has_group;
	uint32_t owner, group;
	bool up, carrier;
	uint32_t mtu;
	uint8_t mac[6];
	uint64_t rx_packets, rx_bytes, rx_dropped, tx_packets, tx_bytes, tx_dropped;
};

/* 0, or -errno; -ENODEV when there is no such link. */
int dp_netlink_link(const char *name, struct dp_link *link);

/*
 * The addresses of link `index` and of its VLAN and macvlan descendants, in text, sorted. Fills *text (free it) and
 * *n, and *vlans with the ids of the VLANs that stand on the link itself; 0 or -errno.
 */
int dp_netlink_addresses(int index, char (**text)[DP_ADDRESS_LEN], unsigned *n, struct dp_vlans *vlans);

/*
 * The unicast addresses that link `index` is asked to let in besides `own`: those of macvlan and VLAN children that
 * have one of their own, VRRP's among them, and what `bridge fdb` adds. Fills `macs` with the first `max`, sorted;
 * returns how many there are, or -errno.
 */
int dp_netlink_unicast(int index, const uint8_t own[6], uint8_t (*macs)[6], unsigned max);

/* A socket that becomes readable when a link or an address changes; -errno on failure. */
int dp_netlink_watch(void);
/* Empties the socket; true when anything was there, lost messages included. */
bool dp_netlink_drain(int fd);

#endif
