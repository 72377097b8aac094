/* SPDX-License-Identifier: Apache-2.0 */
#include "mtu_follow.h"

#include <stdlib.h>

#include "port_mtu.h"
#include "quiesce.h"

static uint16_t
wanted_mtu(const struct dp_port *port, uint32_t tap_mtu)
{
	if (!port->plan->follow_mtu)
		return port->mtu;
	uint32_t wanted = tap_mtu > port->own_mtu ? tap_mtu : port->own_mtu;
	return (uint16_t)(wanted < UINT16_MAX ? wanted : UINT16_MAX);
}

/* The longest frame that lcores let in. Nobody uses the port. */
static void
tell_lcores(struct dp_machine *m, const struct dp_port *port)
{
	for (unsigned i = 0; i < m->n_lcores; i++)
		for (unsigned q = 0; q < m->lcores[i]->n_rxqs; q++)
			if (m->lcores[i]->rxqs[q].port_id == port->id)
				m->lcores[i]->rxqs[q].max_frame = port->max_frame;
}

static int
change(struct dp_machine *m, struct dp_port *port, uint16_t mtu)
{
	/* One that stands still is the watchdog's. */
	if (!dp_pause(m, port)) {
		dp_resume(port);
		return -EAGAIN;
	}
	int rc = dp_port_change_mtu(port, mtu);
	tell_lcores(m, port);
	if (port->started)
		dp_resume(port);
	else
		atomic_store_explicit(&port->reset_pending, true, memory_order_relaxed);
	return rc;
}

bool
dp_mtu_follow(struct dp_machine *m, unsigned p, uint32_t tap_mtu, struct dp_mtu *mtu)
{
	struct dp_port *port = &m->ports[p];
	if (!port->started || tap_mtu == 0 || (mtu->tap == tap_mtu && mtu->port == port->mtu))
		return false;
	struct dp_mtu now = {.tap = tap_mtu};
	uint16_t wanted = wanted_mtu(port, tap_mtu);
	if (wanted != port->mtu)
		now.limit = dp_port_mtu_limit(port, wanted, &now.most);
	if (wanted != port->mtu && now.limit == DP_MTU_FREE) {
		int rc = change(m, port, wanted);
		if (rc == -EAGAIN)
			return false;
		now.limit = rc == 0 ? DP_MTU_FREE : DP_MTU_REFUSED;
		now.errnum = abs(rc);
	}
	if (tap_mtu != port->mtu && !port->plan->follow_mtu)
		now.limit = DP_MTU_PLAN;
	now.port = port->mtu;
	*mtu = now;
	return true;
}
