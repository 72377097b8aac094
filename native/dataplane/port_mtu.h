/* SPDX-License-Identifier: Apache-2.0 */
/* What MTU a port can have, and changing it while the data plane runs. Control thread only. */
#ifndef DP_PORT_MTU_H
#define DP_PORT_MTU_H

#include "port.h"

/*
 * What keeps the port from this MTU, and how much it can be; DP_MTU_FREE when only trying can tell. The port has its
 * mempool.
 */
enum dp_mtu_limit dp_port_mtu_limit(const struct dp_port *port, uint16_t mtu, uint32_t *most);
/*
 * Changes the MTU, with a stop and a start where the driver wants that. Nobody may use the port meanwhile. 0, or
 * -errno: the port has its old MTU, or is not started any more.
 */
int dp_port_change_mtu(struct dp_port *port, uint16_t mtu);

#endif
