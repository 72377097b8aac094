/* SPDX-License-Identifier: Apache-2.0 */
/* An ethdev port that the lcores poll: probing, queues, statistics. Control thread only. */
#ifndef DP_PORT_H
#define DP_PORT_H

#include "counters.h"
#include "dataplane.h"
#include "port_offloads.h"

struct rte_mempool;

/* More multicast groups of a tap than this are not looked at. */
#define DP_MAX_GROUPS 128

/* What the device counted when it was last read. */
struct dp_port_readings {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_missed, rx_errors, rx_nombuf, tx_errors;
};

struct dp_port {
	const struct dp_port_plan *plan;
	uint16_t id; /* ethdev port id */
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t own_mtu;   /* that it has when nobody asks for another */
	uint16_t asked_mtu; /* that it is configured with; 0: its own */
	uint32_t max_frame; /* longest frame without FCS, two VLAN tags included */
	int numa_node;
	uint16_t n_queues;	/* receive queues, and transmit queues of the lcores */
	bool spare_tx_queue;	/* queue number n_queues belongs to the exception thread */
	unsigned max_groups;	/* of multicast that it can be told */
	bool vlan_filter;	/* lets only those VLANs in that it is told */
	bool follows_tap_alone; /* promiscuous would take away what it is told */
	struct dp_port_offloads offloads;
	bool started;
	bool link_up;
	bool link_known;	    /* the driver tells the link */
	bool resets_silently;	    /* nothing but the link may tell that the device was reset */
	bool suspect;		    /* it may have been reset, and was not brought back since */
	int64_t recovered_ms;	    /* when it was reset last */
	int64_t again_ms;	    /* how long to wait before the next try */
	int64_t lost_ms;	    /* since when it cannot be brought back; 0: it is there */
	_Atomic bool paused;	    /* control: write; lcores and exception threads: read, and leave it alone */
	_Atomic bool removed;	    /* EAL's interrupt thread: set, control: clear */
	_Atomic bool reset_pending; /* EAL's interrupt thread: set, control: clear */
	_Atomic bool released; /* control: write, EAL's interrupt thread: read; it was removed, and we let go of it */
	struct rte_mempool *mempool;
	struct dp_port_row *row;
	struct dp_port_readings last;
	char device[DP_NAME_LEN];
	char driver[DP_NAME_LEN];
};

/* Whether the kernel is behind the port's exception path, by a tap. */
static inline bool
dp_has_tap(const struct dp_port_plan *plan)
{
	return plan->exception.backend == DP_BACKEND_TAP || plan->exception.backend == DP_BACKEND_VHOST_NET;
}

/* Probes the device, reads MAC and node. 0, or -1 with *error. */
int dp_port_open(struct dp_port *port, const struct dp_port_plan *plan, struct dp_error *error);
/* Whether a frame of the port's MTU takes more than one mbuf of this pool. */
bool dp_port_has_long_frames(const struct dp_port *port, struct rte_mempool *mempool);
/* Queues for `n_lcores` lcores, and a spare transmit queue for injection when the device has one. */
int dp_port_configure(struct dp_port *port, unsigned n_lcores, struct rte_mempool *mempool,
		      const struct dp_port_traffic *traffic, struct dp_error *error);
int dp_port_start(struct dp_port *port, struct dp_error *error);
/*
 * Brings a port back whose device was reset (by its PF, say): stop, reset where the driver has one, queues, start.
 * Nobody may use the port meanwhile. 0, or -1 with *error.
 */
int dp_port_recover(struct dp_port *port, struct dp_error *error);
/* Queues and all else of a device that forgot them, as the port had them before. 0, or -1 with *error. */
int dp_port_configure_again(struct dp_port *port, struct dp_error *error);
/* The device has this MTU now. */
void dp_port_take_mtu(struct dp_port *port, uint16_t mtu);
/* How far a counter went from one reading to the next. */
uint64_t dp_port_counter_step(uint64_t before, uint64_t now);
/* Adds what the device counted since the last reading to the port's row; false when it did not tell. */
bool dp_port_refresh_counters(struct dp_port *port);
/* Reads the link; true when it changed. */
bool dp_port_refresh_link(struct dp_port *port, uint32_t *speed_mbps);
void dp_port_close(struct dp_port *port);

#endif
