/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port's neighbour on a vhost-user socket: another switch in user space, which may come late, go, and come back. DPDK
 * waits for it in calls that block, so a thread of its own makes the virtio-user port, the connector; control puts it
 * into force, and takes it out when the neighbour has gone. As client we close the port then and connect anew; as
 * server the driver takes the next connection by itself.
 */
#ifndef DP_VHOST_USER_H
#define DP_VHOST_USER_H

#include <pthread.h>

#include "counters.h"
#include "port.h"

struct dp_machine;
struct dp_events;

struct dp_vhost_user {
	const struct dp_port *port; /* NULL: the port has another backend */
	struct dp_neighbour_row *row;
	_Atomic bool up; /* control: write, exception threads: read; see struct dp_exception_queue */

	pthread_t connector;
	bool connecting;   /* control: the connector runs, or is to be joined */
	bool opened;	   /* the virtio-user port is there; the connector's to write while it runs, else control's */
	uint16_t port_id;  /* of it; likewise */
	int wake_fd;	   /* an eventfd that ends the connector's waits */
	_Atomic bool stop; /* control: write, connector: read */
	_Atomic bool done; /* connector: write last, control: read */

	pthread_mutex_t lock;
	struct dp_error why; /* connector: write, control: read, under the lock: why there is no neighbour yet */
	int told_errnum;     /* control: the last that was told */
};

/* Rows; nobody is waited for yet. 0, or -1 with *error. */
int dp_vhost_user_begin(struct dp_vhost_user *neighbour, const struct dp_port *port, struct dp_error *error);
/* Everything runs: lets the neighbours of all ports come. */
void dp_vhost_user_start(struct dp_machine *machine);
/* Looks whether port `p`'s neighbour came or went, and tells. */
void dp_vhost_user_refresh(struct dp_machine *machine, unsigned p, const struct dp_events *events);
/*
 * Nothing moves any more: waits for no neighbour, and closes. False when a connector stands still in the driver, whose
 * neighbour hangs: it may use anything at any time.
 */
bool dp_vhost_user_end(struct dp_machine *machine);

#endif
