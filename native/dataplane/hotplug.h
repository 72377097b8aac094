/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that is taken away while the data plane runs, and comes back. The kernel waits until we let go of a VF whose
 * PF is set up anew: until then whoever did that on the node hangs. Control thread only.
 */
#ifndef DP_HOTPLUG_H
#define DP_HOTPLUG_H

#include "wiring.h"

struct dp_hotplug {
	int64_t tried_ms; /* when it was tried last */
	int64_t pause_ms; /* how long to wait before the next try */
};

enum dp_hotplug_news {
	DP_HOTPLUG_NONE,
	DP_HOTPLUG_LEFT,     /* the port was released */
	DP_HOTPLUG_RETURNED, /* it runs again */
	DP_HOTPLUG_OTHER,    /* another device came in its place: *error */
};

/* Listens to what devices tell; ports are open. */
void dp_hotplug_watch(struct dp_machine *machine);
void dp_hotplug_unwatch(struct dp_machine *machine);
/* One look at a port: releases it when its device is to go, opens it again when it is back. */
enum dp_hotplug_news dp_hotplug_turn(struct dp_hotplug *hotplug, struct dp_machine *machine, unsigned p,
				     struct dp_error *error);

#endif
