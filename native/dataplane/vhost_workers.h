/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's threads at the other end of virtio-user on vhost-net, one per queue. From Linux 6.4 on they are threads
 * of the process that owns the vhost device: they are found, named, placed and their CPU time is counted here. Before
 * that they belong to the kernel, and a container does not even see them. Control thread only.
 */
#ifndef DP_VHOST_WORKERS_H
#define DP_VHOST_WORKERS_H

#include <sys/types.h>

#include "counters.h"
#include "dataplane.h"

#define DP_VHOST_WORKER_NAME 16 /* as the kernel's TASK_COMM_LEN */

struct dp_vhost_worker {
	pid_t tid; /* 0: not one of our threads */
	char name[DP_VHOST_WORKER_NAME];
	int errnum; /* why it is not where the plan wants it; 0: it is */
	struct dp_vhost_worker_row *row;
};

/* The vhost workers of a port's exception queues. */
struct dp_vhost_workers {
	unsigned n; /* 0, or as many as queues */
	struct dp_vhost_worker of_queue[DP_MAX_EXCEPTION_THREADS];
};

/* Of a worker's thread: with the port's name when it fits whole, else with its position, so that no two are alike. */
void dp_vhost_worker_name(char name[DP_VHOST_WORKER_NAME], const char *port, unsigned position, unsigned queue);
/*
 * The vhost device of `port`, at `position` of the plan, has just been opened: finds its workers, gives them names and
 * the CPUs of `plan`, and rows. `placed` workers of other ports were there before; with `pinning` each gets a CPU of
 * its own, in turn. 0, or -1 with *error when the counter file is full.
 */
int dp_vhost_workers_find(struct dp_vhost_workers *workers, const struct dp_port_plan *port, unsigned position,
			  const struct dp_vhost_plan *plan, unsigned placed, struct dp_error *error);
/* Where the kernel lets a thread run: a CPU list, as much of it as fits. */
void dp_vhost_worker_cpus(pid_t tid, char text[DP_CPU_LIST_LEN]);
/* Reads their CPU time. */
void dp_vhost_workers_refresh(const struct dp_vhost_workers *workers);

#endif
