/* SPDX-License-Identifier: Apache-2.0 */
/* A worker lcore: what it owns, and who else may touch which field. */
#ifndef DP_LCORE_H
#define DP_LCORE_H

#include <stdatomic.h>

#include "capture.h"
#include "counters.h"
#include "dataplane.h"
#include "rules.h"

struct rte_ring;
struct rte_mbuf;
struct rte_mempool;

enum dp_phase {
	DP_PHASE_RUN,
	DP_PHASE_DRAIN, /* take nothing new from the ports; empty the rings */
	DP_PHASE_STOP,	/* return once the rings are empty */
};

/* How an lcore sends to a port: on a queue of its own, or through a ring to the lcore that owns one. */
struct dp_egress {
	uint16_t port_id;
	uint16_t queue_id;
	struct rte_ring *handover;  /* NULL: the queue is ours */
	const _Atomic bool *paused; /* the port's */
	uint8_t source_mac[6];
	uint8_t peer_mac[6]; /* mode mac: the destination */
};

/* A receive queue and all that its packets need. */
struct dp_rxq {
	uint16_t port_id;
	uint16_t queue_id;
	uint32_t max_frame;
	bool kernel_path;		       /* the port has an exception path */
	bool restore_vlan;		       /* the device takes VLAN tags off, whether we ask for it or not */
	const _Atomic bool *paused;	       /* the port's */
	const struct dp_capture_hook *capture; /* the lcore's */
	struct dp_flow_row *row;
	const struct dp_egress *egress;	      /* to the peer port */
	unsigned until_stamp[DP_CLASS_COUNT]; /* lcore: write; see punt_stamp.h */
	unsigned n_exception;		      /* exception queues of the port, and the rings to their threads */
	struct rte_ring *exception[DP_MAX_EXCEPTION_THREADS][DP_CLASS_COUNT];
};

/* A ring whose packets this lcore transmits, because it owns the queue. */
struct dp_inbound {
	struct rte_ring *ring;
	uint16_t port_id;
	uint16_t queue_id;
	const _Atomic bool *paused;	       /* the port's */
	bool inject;			       /* from the exception thread; else from another lcore */
	bool broken;			       /* see dp_inject_transmit() */
	struct dp_flow_row *row;	       /* of the port by which the packets came in, or are injected into ... */
	uint16_t row_port_id;		       /* ... which is this one */
	const struct dp_capture_hook *capture; /* the lcore's */
};

struct dp_lcore {
	_Atomic enum dp_phase phase;	      /* control: write, lcore: read */
	const struct dp_rules *_Atomic rules; /* control: write, lcore: read once per turn */
	const _Atomic uint64_t *epoch;	      /* control: write, lcore: read at the start of a turn ... */
	_Atomic uint64_t seen_epoch;	      /* ... lcore: write at its end, control: read */
	_Atomic bool drained;		      /* lcore: write once it has seen DRAIN, control: read */
	_Atomic bool finished;		      /* lcore: write last, control: read */
	struct dp_lcore_row *row;	      /* lcore: write, supervisor: read */

	/* Control fills these before launch, lcore: read. */
	unsigned id;
	unsigned index;
	enum dp_mode mode;
	uint16_t burst;
	bool sleep_when_idle;
	struct dp_capture_hook capture;
	struct rte_mempool *mempool; /* for txonly */
	unsigned n_rxqs;
	struct dp_rxq rxqs[DP_MAX_PORTS];
	unsigned n_inbounds;
	struct dp_inbound inbounds[DP_MAX_PORTS * (DP_MAX_LCORES + DP_MAX_EXCEPTION_THREADS)];
	struct dp_egress egress[DP_MAX_PORTS];
};

/* A port whose device is being reset: control waits until nobody uses it. */
static inline bool
dp_is_paused(const _Atomic bool *paused)
{
	return unlikely(atomic_load_explicit(paused, memory_order_acquire));
}

/* The thread's function for rte_eal_remote_launch; `arg` is its struct dp_lcore. */
int dp_lcore_main(void *arg);

#endif
