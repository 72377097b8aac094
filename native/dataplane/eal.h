/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_EAL_H
#define DP_EAL_H

#include "dataplane.h"

/* Initialises EAL on the calling thread, which becomes the main lcore. 0, or -1 with *error. */
int dp_eal_start(const struct dp_plan *plan, struct dp_error *error);

/*
 * EAL's list of devices has no lock of its own: who probes or removes one while the data plane runs holds this. For as
 * long as it takes, and for ever where a vhost-user neighbour hangs: the control thread only tries.
 */
void dp_eal_hold_devices(void);
bool dp_eal_try_hold_devices(void);
void dp_eal_release_devices(void);

/* Probes one device and finds the ethdev port that it made; devices are held. 0, or -1 with *error. */
int dp_eal_probe(const char *devargs, uint16_t *port_id, struct dp_error *error);

#endif
