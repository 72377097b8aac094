/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns which queue, and the rings between lcores and exception threads. Control thread, before launch. */
#ifndef DP_WIRING_H
#define DP_WIRING_H

#include "exception.h"
#include "lcore.h"
#include "port.h"
#include "vhost_user.h"
#include "vhost_workers.h"

/* All the moving parts of the process's data plane. The control thread owns it. */
struct dp_machine {
	struct dp_plan plan;
	unsigned n_ports;
	struct dp_port ports[DP_MAX_PORTS];
	uint16_t virtio_port_ids[DP_MAX_PORTS];
	bool virtio_open[DP_MAX_PORTS];
	struct dp_vhost_workers vhost_workers[DP_MAX_PORTS];
	struct dp_vhost_user neighbours[DP_MAX_PORTS];
	_Atomic uint64_t epoch;			  /* control: write; see quiesce.h */
	_Atomic bool tap_up[DP_MAX_PORTS];	  /* control: write, exception threads: read */
	const struct dp_capture *_Atomic capture; /* control: write, lcores and exception threads: read; NULL: none */
	unsigned n_lcores;
	struct dp_lcore *lcores[DP_MAX_LCORES];
	unsigned n_launched;
	unsigned n_threads;
	struct dp_limiter *limiters; /* the threads' sides of the total limit */
	struct dp_exception_thread *threads[DP_MAX_EXCEPTION_THREADS];
};

/* Makes lcores and exception threads with their rows, queues, rings and egress tables. 0, or -1 with *error. */
int dp_wire(struct dp_machine *machine, struct dp_error *error);
/* Frees what dp_wire() made; everything has stopped. */
void dp_unwire(struct dp_machine *machine);

#endif
