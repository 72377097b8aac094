/* SPDX-License-Identifier: Apache-2.0 */
#include "upkeep.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "carrier.h"
#include "mempool.h"
#include "mtu_follow.h"
#include "quiesce.h"

/* Some VFs count in 32 bits: at 100 Gbit/s their byte counter comes round every 0.34 s at worst, packets every 29 s. */
#define REFRESH_MS 250
/* Between two resets of a VF that has no link: at first, and at last. */
#define RESET_AGAIN_MS 1000
#define RESET_SELDOM_MS 30000
/* A PF that is set up anew answers within seconds. */
#define GIVE_UP_MS 10000

/* Reads the addresses of every tap; true when they changed. */
static bool
read_addresses(struct dp_upkeep *u)
{
	struct dp_machine *m = u->machine;
	bool changed = false;
	unsigned n = 0;
	for (unsigned p = 0; p < m->n_ports; p++) {
		const struct dp_exception_plan *plan = &m->plan.ports[p].exception;
		if (!dp_has_tap(&m->plan.ports[p]))
			continue;
		struct dp_addresses *entry = &u->addresses[n++];
		struct dp_link link;
		struct dp_vlans vlans = {0};
		char(*text)[DP_ADDRESS_LEN] = NULL;
		unsigned count = 0;
		int rc = dp_netlink_link(plan->tap, &link);
		if (rc == 0)
			rc = dp_netlink_addresses(link.index, &text, &count, &vlans);
		if (rc < 0 && rc != -ENODEV) {
			/* Nothing is known: what was true a moment ago is the better guess. Asked again in the next
			 * turn. */
			u->addresses_stale = true;
			continue;
		}
		u->vlans[p] = vlans;
		changed |= count != entry->n || (count > 0 && memcmp(text, entry->text, count * sizeof(*text)) != 0);
		free(entry->text);
		*entry = (struct dp_addresses){.port = p, .n = count, .text = text};
		snprintf(entry->tap, sizeof(entry->tap), "%s", plan->tap);
	}
	u->n_addresses = n;
	return changed;
}

/* The kernel gives a tap carrier when somebody attaches; from then on it is the wire's. */
static void
refresh_carrier(const struct dp_upkeep *u, unsigned p, const struct dp_link *tap)
{
	const struct dp_port *port = &u->machine->ports[p];
	if (u->carrier[p] >= 0 && port->link_known && tap->carrier != port->link_up)
		dp_carrier_set(u->carrier[p], port->link_up);
}

static void
follow_mtu(struct dp_upkeep *u, unsigned p, uint32_t tap_mtu)
{
	const struct dp_port *port = &u->machine->ports[p];
	uint16_t before = port->mtu;
	if (!dp_mtu_follow(u->machine, p, tap_mtu, &u->mtu[p]))
		return;
	/* It may have been stopped and started for that. */
	if (port->mtu != before || u->mtu[p].limit == DP_MTU_REFUSED)
		dp_layer2_forget(&u->layer2[p]);
	u->events.mtu(u->events.context, p, &u->mtu[p]);
}

static void
refresh_tap(struct dp_upkeep *u, unsigned p)
{
	struct dp_machine *m = u->machine;
	struct dp_tap_row *row = u->tap_rows[p];
	struct dp_link link;
	if (row == NULL)
		return;
	int rc = dp_netlink_link(m->plan.ports[p].exception.tap, &link);
	if (rc < 0 && rc != -ENODEV)
		return; /* nothing is known; asked again soon */
	if (rc < 0) {
		link.up = link.carrier = false; /* gone; its counters stay as they were */
	} else if (u->tap_index[p] != 0 && link.index != u->tap_index[p]) {
		/* Deleted and made again: what we hold belongs to the one that is gone. */
		u->tap_index[p] = 0;
		u->events.tap_replaced(u->events.context, p);
		link.up = link.carrier = false;
	} else {
		u->tap_index[p] = link.index;
		dp_set(&row->rx_packets, link.rx_packets);
		dp_set(&row->rx_bytes, link.rx_bytes);
		dp_set(&row->rx_dropped, link.rx_dropped);
		dp_set(&row->tx_packets, link.tx_packets);
		dp_set(&row->tx_bytes, link.tx_bytes);
		dp_set(&row->tx_dropped, link.tx_dropped);
		refresh_carrier(u, p, &link);
		follow_mtu(u, p, link.mtu);
	}
	dp_set(&row->carrier, link.carrier);
	dp_set(&row->up, link.up);
	atomic_store_explicit(&m->tap_up[p], link.up, memory_order_relaxed);
}

static void
refresh_taps(struct dp_upkeep *u)
{
	for (unsigned p = 0; p < u->machine->n_ports; p++)
		refresh_tap(u, p);
}

/* Called on EAL's interrupt thread: only notes it; the control thread's next refresh() acts. */
static int
on_reset(uint16_t port_id, enum rte_eth_event_type type, void *context, void *ret)
{
	struct dp_machine *m = context;
	for (unsigned p = 0; p < m->n_ports; p++)
		if (m->ports[p].id == port_id)
			atomic_store_explicit(&m->ports[p].reset_pending, true, memory_order_relaxed);
	return 0;
}

/* Its device goes, or is back. */
static void
follow_device(struct dp_upkeep *u, unsigned p)
{
	struct dp_error error = {0};
	switch (dp_hotplug_turn(&u->hotplug[p], u->machine, p, &error)) {
	case DP_HOTPLUG_NONE:
		return;
	case DP_HOTPLUG_LEFT:
		u->events.removed(u->events.context, p);
		return;
	case DP_HOTPLUG_RETURNED:
		dp_layer2_forget(&u->layer2[p]);
		u->events.returned(u->events.context, p);
		return;
	case DP_HOTPLUG_OTHER:
		u->events.reset(u->events.context, p, &error);
		return;
	}
}

/* The port cannot be brought back. It is tried again, until only a new start can help. */
static void
note_loss(struct dp_upkeep *u, unsigned p, const struct dp_error *error)
{
	struct dp_port *port = &u->machine->ports[p];
	if (port->lost_ms == 0)
		port->lost_ms = dp_now_ms();
	else if (dp_now_ms() - port->lost_ms >= GIVE_UP_MS)
		u->events.reset(u->events.context, p, error);
}

/* With nobody at the port: lcores and exception threads leave a paused one alone. True when it is back. */
static bool
recover(struct dp_upkeep *u, unsigned p)
{
	struct dp_port *port = &u->machine->ports[p];
	struct dp_error error = {0};
	atomic_store_explicit(&port->reset_pending, false, memory_order_relaxed);
	/* One that stands still is the watchdog's; the port is tried again if it goes on. */
	if (!dp_pause(u->machine, port)) {
		atomic_store_explicit(&port->reset_pending, true, memory_order_relaxed);
		return false;
	}
	bool back = dp_port_recover(port, &error) == 0;
	port->recovered_ms = dp_now_ms();
	if (!back) {
		note_loss(u, p, &error);
		return false;
	}
	port->lost_ms = 0;
	dp_layer2_forget(&u->layer2[p]);
	dp_resume(port);
	return true;
}

static void
recover_and_tell(struct dp_upkeep *u, unsigned p)
{
	u->machine->ports[p].again_ms = RESET_AGAIN_MS;
	if (!recover(u, p))
		return;
	dp_count(&u->machine->ports[p].row->resets, 1);
	u->events.reset(u->events.context, p, NULL);
}

/* Another try at a port that is lost; or at a VF without link, less and less often. */
static void
try_again(struct dp_upkeep *u, unsigned p)
{
	struct dp_port *port = &u->machine->ports[p];
	if (dp_now_ms() - port->recovered_ms < port->again_ms)
		return;
	if (port->lost_ms != 0) {
		recover_and_tell(u, p);
		return;
	}
	recover(u, p);
	int64_t longer = port->again_ms < RESET_AGAIN_MS ? RESET_AGAIN_MS : port->again_ms * 2;
	port->again_ms = longer < RESET_SELDOM_MS ? longer : RESET_SELDOM_MS;
}

/*
 * A reset may come while the PF is away. Then the port is reset once it has a link again; and since the handshake with
 * the PF is what brings the link of some, they are reset every now and then without one.
 */
static void
recover_where_needed(struct dp_upkeep *u, unsigned p, bool link_changed)
{
	struct dp_port *port = &u->machine->ports[p];
	if (atomic_load_explicit(&port->removed, memory_order_relaxed))
		return;
	bool pending = atomic_load_explicit(&port->reset_pending, memory_order_relaxed);
	port->suspect |= port->resets_silently && link_changed && !port->link_up;
	bool lost = port->lost_ms != 0;
	if (!lost && (pending || (port->suspect && port->link_up))) {
		port->suspect = !port->link_up;
		recover_and_tell(u, p);
	} else if (lost || (port->suspect && port->resets_silently)) {
		try_again(u, p);
	}
}

/* Grows when somebody gives the port packets, and only then; what it counts twice does no harm. */
static uint64_t
handed_to(const struct dp_machine *m, const struct dp_port *port)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < m->n_lcores; i++) {
		const struct dp_lcore *lcore = m->lcores[i];
		for (unsigned q = 0; q < lcore->n_rxqs; q++)
			if (lcore->rxqs[q].egress->port_id == port->id)
				sum += lcore->rxqs[q].row->forwarded + lcore->rxqs[q].row->generated;
		for (unsigned in = 0; in < lcore->n_inbounds; in++) {
			const struct dp_inbound *inbound = &lcore->inbounds[in];
			if (inbound->port_id == port->id)
				sum += inbound->inject ? inbound->row->injected_segments : inbound->row->forwarded;
		}
	}
	for (unsigned t = 0; t < m->n_threads; t++)
		for (unsigned q = 0; q < m->threads[t]->n_queues; q++)
			if (m->threads[t]->queues[q].port == port)
				sum += m->threads[t]->queues[q].row->injected_segments;
	return sum;
}

/* Only for devices that tell nothing else: on others what a PF discards on purpose would look like a stall. */
static void
recover_if_stalled(struct dp_upkeep *u, unsigned p)
{
	const struct dp_port *port = &u->machine->ports[p];
	if (!port->resets_silently || !port->started || !port->link_up ||
	    atomic_load_explicit(&port->removed, memory_order_relaxed))
		return;
	uint64_t sent = atomic_load_explicit(&port->row->tx_packets, memory_order_relaxed);
	if (dp_tx_watch_stalled(&u->tx_watch[p], sent, handed_to(u->machine, port), dp_now_ms()))
		recover_and_tell(u, p);
}

static void
refresh_filters(struct dp_upkeep *u, unsigned p)
{
	const struct dp_port *port = &u->machine->ports[p];
	struct dp_layer2 *layer2 = &u->layer2[p];
	const char *tap = u->tap_rows[p] == NULL ? NULL : port->plan->exception.tap;
	if (!port->started || (tap == NULL && !port->vlan_filter) ||
	    !dp_layer2_follow(layer2, port, tap, u->tap_index[p], &u->vlans[p]))
		return;
	struct dp_filters told;
	dp_layer2_describe(layer2, &told);
	dp_set(&port->row->multicast_groups, told.groups);
	dp_set(&port->row->vlans, told.vlans);
	dp_set(&port->row->unicast_addresses, told.unicast);
	dp_set(&port->row->filters_refused, told.vlans_refused + told.unicast_refused + (told.groups_errnum != 0));
	u->events.filters(u->events.context, p, &told);
}

/* Reads everything that is not counted by the lcores; tells link changes unless it is the first time. */
static void
refresh(struct dp_upkeep *u, bool tell)
{
	struct dp_machine *m = u->machine;
	for (unsigned p = 0; p < m->n_ports; p++) {
		uint32_t speed_mbps;
		follow_device(u, p);
		bool counted = dp_port_refresh_counters(&m->ports[p]);
		bool link_changed = dp_port_refresh_link(&m->ports[p], &speed_mbps);
		if (link_changed && tell) {
			u->events.link(u->events.context, p, m->ports[p].link_up, speed_mbps);
			/* At once: a reset may take seconds where the PF does not answer. */
			refresh_tap(u, p);
		}
		recover_where_needed(u, p, link_changed);
		if (counted)
			recover_if_stalled(u, p);
		refresh_filters(u, p);
		dp_vhost_workers_refresh(&m->vhost_workers[p]);
		dp_set(&m->ports[p].row->mtu_bytes, m->ports[p].mtu);
		if (tell)
			dp_vhost_user_refresh(m, p, &u->events);
	}
	refresh_taps(u);
	dp_mempool_refresh();
	u->refreshed_ms = dp_now_ms();
}

int
dp_upkeep_begin(struct dp_upkeep *u, struct dp_machine *machine, const struct dp_events *events)
{
	u->machine = machine;
	u->events = *events;
	u->netlink_fd = dp_netlink_watch();
	return u->netlink_fd < 0 ? u->netlink_fd : 0;
}

void
dp_upkeep_look(struct dp_upkeep *u)
{
	const struct dp_machine *m = u->machine;
	for (unsigned p = 0; p < m->n_ports; p++)
		u->carrier[p] = u->tap_rows[p] == NULL ? -1 : dp_carrier_descriptor(m->plan.ports[p].exception.tap);
	read_addresses(u);
	refresh_taps(u);
	dp_hotplug_watch(u->machine);
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RESET, on_reset, u->machine);
}

void
dp_upkeep_first(struct dp_upkeep *u)
{
	refresh(u, false);
}

void
dp_upkeep_turn(struct dp_upkeep *u, int wake_fd)
{
	int64_t left = u->refreshed_ms + REFRESH_MS - dp_now_ms();
	struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = u->netlink_fd, .events = POLLIN}};
	poll(fds, 2, left > 0 ? (int)left : 0);
	if (fds[1].revents != 0 && dp_netlink_drain(u->netlink_fd))
		u->addresses_stale = true;
	if (u->addresses_stale) {
		u->addresses_stale = false;
		refresh_taps(u);
		if (read_addresses(u))
			u->events.addresses(u->events.context);
		for (unsigned p = 0; p < u->machine->n_ports; p++)
			refresh_filters(u, p);
	}
	if (dp_now_ms() - u->refreshed_ms >= REFRESH_MS)
		refresh(u, true);
}

void
dp_upkeep_last(struct dp_upkeep *u)
{
	struct dp_machine *m = u->machine;
	for (unsigned p = 0; p < m->n_ports; p++) {
		if (m->ports[p].row != NULL)
			dp_port_refresh_counters(&m->ports[p]);
		dp_vhost_workers_refresh(&m->vhost_workers[p]);
	}
	refresh_taps(u);
}

void
dp_upkeep_end(struct dp_upkeep *u)
{
	for (unsigned i = 0; i < u->n_addresses; i++)
		free(u->addresses[i].text);
	u->n_addresses = 0;
	if (u->machine != NULL)
		dp_hotplug_unwatch(u->machine);
	if (u->netlink_fd >= 0)
		close(u->netlink_fd);
	u->netlink_fd = -1;
}
