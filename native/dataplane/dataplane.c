/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the data plane: start, swap, one turn of the control thread, stop. Reads as the order of things. */
#include "dataplane.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "carrier.h"
#include "eal.h"
#include "error.h"
#include "layer2.h"
#include "mempool.h"
#include "netlink.h"
#include "wiring.h"

/* Some VFs count in 32 bits: at 100 Gbit/s their byte counter comes round every 0.34 s at worst, packets every 29 s. */
#define REFRESH_MS 250
/* An lcore's turn takes microseconds; one that has not moved for this long will not, and the watchdog ends us. */
#define QUIESCE_MS 2000

/* EAL's life is the process's; so is this. Only the control thread touches it. */
static struct {
	struct dp_machine machine;
	struct dp_events events;
	struct dp_rules *rules;
	struct dp_tap_row *tap_rows[DP_MAX_PORTS];
	int tap_index[DP_MAX_PORTS]; /* of the netdev that we attached to; 0 before, and once it is gone for good */
	int carrier[DP_MAX_PORTS];   /* a descriptor of the tap, or -1 */
	struct dp_addresses addresses[DP_MAX_PORTS];
	struct dp_vlans vlans[DP_MAX_PORTS]; /* of the tap's children */
	struct dp_layer2 layer2[DP_MAX_PORTS];
	unsigned n_addresses;
	int netlink_fd;
	bool addresses_stale; /* something changed; read again in this turn */
	int64_t refreshed_ms;
	bool eal_started;
	bool stopped;
} dp = {.netlink_fd = -1};

static int64_t
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
open_ports(struct dp_error *error)
{
	struct dp_machine *m = &dp.machine;
	m->n_ports = m->plan.n_ports;
	for (unsigned p = 0; p < m->n_ports; p++) {
		struct dp_port *port = &m->ports[p];
		if (dp_port_open(port, &m->plan.ports[p], error) < 0)
			return -1;
		struct rte_mempool *mempool = dp_mempool_get(&m->plan, port->numa_node, error);
		if (mempool == NULL || dp_port_configure(port, m->plan.n_lcores, mempool, error) < 0)
			return -1;
		port->row = dp_counters_add_port(port->plan->name);
		if (port->row == NULL)
			return dp_fail(error, ENOSPC, "dp_counters_add_port", "counter file", "too small");
		if (port->plan->exception.backend != DP_BACKEND_NONE) {
			dp.tap_rows[p] = dp_counters_add_tap(port->plan->name, port->plan->exception.tap);
			if (dp.tap_rows[p] == NULL)
				return dp_fail(error, ENOSPC, "dp_counters_add_tap", "counter file", "too small");
		}
	}
	return 0;
}

/* Reads the addresses of every tap; true when they changed. */
static bool
read_addresses(void)
{
	struct dp_machine *m = &dp.machine;
	bool changed = false;
	unsigned n = 0;
	for (unsigned p = 0; p < m->n_ports; p++) {
		const struct dp_exception_plan *plan = &m->plan.ports[p].exception;
		if (plan->backend == DP_BACKEND_NONE)
			continue;
		struct dp_addresses *entry = &dp.addresses[n++];
		struct dp_link link;
		char(*text)[DP_ADDRESS_LEN] = NULL;
		unsigned count = 0;
		int rc = dp_netlink_link(plan->tap, &link);
		if (rc == 0)
			rc = dp_netlink_addresses(link.index, &text, &count, &dp.vlans[p]);
		if (rc < 0 && rc != -ENODEV) {
			/* Nothing is known: what was true a moment ago is the better guess. Asked again in the next
			 * turn. */
			dp.addresses_stale = true;
			continue;
		}
		changed |= count != entry->n || (count > 0 && memcmp(text, entry->text, count * sizeof(*text)) != 0);
		free(entry->text);
		*entry = (struct dp_addresses){.port = p, .n = count, .text = text};
		snprintf(entry->tap, sizeof(entry->tap), "%s", plan->tap);
	}
	dp.n_addresses = n;
	return changed;
}

/* The kernel gives a tap carrier when somebody attaches; from then on it is the wire's. */
static void
refresh_carrier(unsigned p, const struct dp_link *tap)
{
	const struct dp_port *port = &dp.machine.ports[p];
	if (dp.carrier[p] >= 0 && port->link_known && tap->carrier != port->link_up)
		dp_carrier_set(dp.carrier[p], port->link_up);
}

static void
refresh_taps(void)
{
	struct dp_machine *m = &dp.machine;
	for (unsigned p = 0; p < m->n_ports; p++) {
		struct dp_tap_row *row = dp.tap_rows[p];
		struct dp_link link;
		if (row == NULL)
			continue;
		int rc = dp_netlink_link(m->plan.ports[p].exception.tap, &link);
		if (rc < 0 && rc != -ENODEV)
			continue; /* nothing is known; asked again soon */
		if (rc < 0) {
			link.up = link.carrier = false; /* gone; its counters stay as they were */
		} else if (dp.tap_index[p] != 0 && link.index != dp.tap_index[p]) {
			/* Deleted and made again: what we hold belongs to the one that is gone. */
			dp.tap_index[p] = 0;
			dp.events.tap_replaced(dp.events.context, p);
			link.up = link.carrier = false;
		} else {
			dp.tap_index[p] = link.index;
			dp_set(&row->rx_packets, link.rx_packets);
			dp_set(&row->rx_bytes, link.rx_bytes);
			dp_set(&row->rx_dropped, link.rx_dropped);
			dp_set(&row->tx_packets, link.tx_packets);
			dp_set(&row->tx_bytes, link.tx_bytes);
			dp_set(&row->tx_dropped, link.tx_dropped);
			refresh_carrier(p, &link);
		}
		dp_set(&row->carrier, link.carrier);
		dp_set(&row->up, link.up);
		atomic_store_explicit(&m->tap_up[p], link.up, memory_order_relaxed);
	}
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

static int
on_removed(uint16_t port_id, enum rte_eth_event_type type, void *context, void *ret)
{
	struct dp_machine *m = context;
	for (unsigned p = 0; p < m->n_ports; p++)
		if (m->ports[p].id == port_id)
			atomic_store_explicit(&m->ports[p].removed, true, memory_order_relaxed);
	return 0;
}

static void
tell_removed(unsigned p)
{
	struct dp_port *port = &dp.machine.ports[p];
	if (port->removal_told || !atomic_load_explicit(&port->removed, memory_order_relaxed))
		return;
	port->removal_told = true;
	dp.events.removed(dp.events.context, p);
}

/* Where a thread of the data plane counts its turns. */
static const dp_slot_t *
turns_of(unsigned i)
{
	const struct dp_machine *m = &dp.machine;
	return i < m->n_launched ? &m->lcores[i]->row->polls : &m->threads[i - m->n_launched]->row->polls;
}

/*
 * Waits until every lcore, and with `all` every exception thread, has begun a turn after now: then none of them holds
 * what was in force before. False when one stands still.
 */
static bool
quiesce(bool all)
{
	const struct dp_machine *m = &dp.machine;
	uint64_t seen[DP_MAX_LCORES + DP_MAX_EXCEPTION_THREADS];
	unsigned n = m->n_launched + (all ? m->n_threads : 0);
	/* The new state must be visible before the turns are read, or turns that began earlier are counted. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < n; i++)
		seen[i] = atomic_load_explicit(turns_of(i), memory_order_acquire);
	int64_t deadline = now_ms() + QUIESCE_MS;
	for (unsigned i = 0; i < n; i++) {
		/* Two: the turn that was under way may have begun with the old state. */
		while (atomic_load_explicit(turns_of(i), memory_order_acquire) < seen[i] + 2) {
			if (now_ms() > deadline)
				return false;
			nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
		}
	}
	return true;
}

/* With nobody at the port: lcores and exception threads leave a paused one alone. */
static void
recover(unsigned p)
{
	struct dp_port *port = &dp.machine.ports[p];
	struct dp_error error = {0};
	atomic_store_explicit(&port->reset_pending, false, memory_order_relaxed);
	atomic_store_explicit(&port->paused, true, memory_order_release);
	/* One that stands still is the watchdog's; the port is tried again if it goes on. */
	if (!quiesce(true)) {
		atomic_store_explicit(&port->reset_pending, true, memory_order_relaxed);
		return;
	}
	int rc = dp_port_recover(port, &error);
	if (rc == 0) {
		dp_layer2_forget(&dp.layer2[p]);
		dp_count(&port->row->resets, 1);
		atomic_store_explicit(&port->paused, false, memory_order_release);
	}
	dp.events.reset(dp.events.context, p, rc == 0 ? NULL : &error);
}

/* A reset may come while the PF is away: then the port is reset again once it has a link. */
static void
recover_where_needed(unsigned p, bool link_changed)
{
	struct dp_port *port = &dp.machine.ports[p];
	if (atomic_load_explicit(&port->reset_pending, memory_order_relaxed)) {
		recover(p);
		port->recover_at_link_up = !port->link_up;
	} else if (link_changed && port->link_up && port->recover_at_link_up) {
		port->recover_at_link_up = false;
		recover(p);
	}
}

static void
refresh_filters(unsigned p)
{
	const struct dp_port *port = &dp.machine.ports[p];
	struct dp_layer2 *layer2 = &dp.layer2[p];
	if (dp.tap_rows[p] == NULL || !port->started ||
	    !dp_layer2_follow(layer2, port, port->plan->exception.tap, &dp.vlans[p]))
		return;
	/* No list, but all multicast, is what most virtual devices have. */
	bool groups_refused = layer2->groups_rc != 0 && layer2->groups_rc != -ENOTSUP;
	unsigned refused = dp_layer2_vlans(&layer2->vlans_refused) + (groups_refused ? 1 : 0);
	unsigned vlans = dp_layer2_vlans(&layer2->vlans);
	dp_set(&port->row->multicast_groups, layer2->n_groups);
	dp_set(&port->row->vlans, vlans);
	dp_set(&port->row->filters_refused, refused);
	dp.events.filters(dp.events.context, p, layer2->n_groups, vlans, refused);
}

/* Reads everything that is not counted by the lcores; tells link changes unless it is the first time. */
static void
refresh(bool tell)
{
	struct dp_machine *m = &dp.machine;
	for (unsigned p = 0; p < m->n_ports; p++) {
		uint32_t speed_mbps;
		tell_removed(p);
		dp_port_refresh_counters(&m->ports[p]);
		bool link_changed = dp_port_refresh_link(&m->ports[p], &speed_mbps);
		if (link_changed && tell)
			dp.events.link(dp.events.context, p, m->ports[p].link_up, speed_mbps);
		recover_where_needed(p, link_changed);
		refresh_filters(p);
	}
	refresh_taps();
	dp_mempool_refresh();
	dp.refreshed_ms = now_ms();
}

static int
launch(struct dp_error *error)
{
	struct dp_machine *m = &dp.machine;
	for (unsigned p = 0; p < m->n_ports; p++)
		if (dp_port_start(&m->ports[p], error) < 0)
			return -1;
	for (unsigned t = 0; t < m->n_threads; t++)
		if (dp_exception_thread_start(m->threads[t], error) < 0)
			return -1;
	for (unsigned i = 0; i < m->n_lcores; i++, m->n_launched++) {
		int rc = rte_eal_remote_launch(dp_lcore_main, m->lcores[i], m->lcores[i]->id);
		if (rc < 0)
			return dp_fail(error, -rc, "rte_eal_remote_launch", "lcore", "lcore %u", m->lcores[i]->id);
	}
	return 0;
}

static int
start(int counters, struct dp_error *error)
{
	struct dp_machine *m = &dp.machine;
	if (dp_counters_map(counters, error) < 0 || dp_eal_start(&m->plan, error) < 0)
		return -1;
	dp.eal_started = true;
	dp.netlink_fd = dp_netlink_watch();
	if (dp.netlink_fd < 0)
		return dp_fail(error, -dp.netlink_fd, "socket", "rtnetlink", "%s", strerror(-dp.netlink_fd));
	if (open_ports(error) < 0)
		return -1;
	m->n_lcores = m->plan.n_lcores;
	if (dp_wire(m, error) < 0)
		return -1;
	read_addresses();
	refresh_taps();
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RMV, on_removed, m);
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RESET, on_reset, m);
	for (unsigned p = 0; p < m->n_ports; p++)
		dp.carrier[p] = dp.tap_rows[p] == NULL ? -1 : dp_carrier_descriptor(m->plan.ports[p].exception.tap);
	if (launch(error) < 0)
		return -1;
	refresh(false);
	return 0;
}

int
dp_start(const struct dp_plan *plan, int counters, const struct dp_events *events, struct dp_error *error)
{
	if (dp.eal_started)
		return dp_fail(error, EALREADY, "dp_start", "data plane", "an EAL starts once per process");
	dp.machine.plan = *plan;
	dp.events = *events;
	if (start(counters, error) == 0)
		return 0;
	dp_stop();
	return -1;
}

void
dp_get_info(struct dp_info *info)
{
	const struct dp_machine *m = &dp.machine;
	memset(info, 0, sizeof(*info));
	info->tsc_hz = rte_get_tsc_hz();
	info->n_ports = m->n_ports;
	for (unsigned p = 0; p < m->n_ports; p++) {
		const struct dp_port *port = &m->ports[p];
		struct dp_port_info *to = &info->ports[p];
		memcpy(to->name, port->plan->name, sizeof(to->name));
		memcpy(to->device, port->device, sizeof(to->device));
		memcpy(to->driver, port->driver, sizeof(to->driver));
		memcpy(to->mac, port->mac, sizeof(to->mac));
		to->mtu = port->mtu;
		to->numa_node = port->numa_node;
		to->rx_queues = port->n_queues;
		to->tx_queues = (uint16_t)(port->n_queues + (port->spare_tx_queue ? 1 : 0));
		to->link_up = port->link_up;
		to->backend = port->plan->exception.backend;
		memcpy(to->tap, port->plan->exception.tap, sizeof(to->tap));
		to->exception_queues = to->backend == DP_BACKEND_NONE ? 0 : port->plan->exception.queues;
	}
	info->n_lcores = m->n_lcores;
	for (unsigned i = 0; i < m->n_lcores; i++) {
		info->lcores[i] = (struct dp_lcore_info){
			.lcore_id = m->lcores[i]->id,
			.cpu_id = rte_lcore_to_cpu_id((int)m->lcores[i]->id),
			.queue_id = (uint16_t)i,
		};
		for (unsigned p = 0; p < m->n_ports; p++)
			if (i < m->ports[p].n_queues)
				info->lcores[i].rx_ports |= UINT64_C(1) << p;
	}
}

struct dp_layout
dp_get_layout(void)
{
	return dp_counters_layout();
}

const struct dp_addresses *
dp_get_addresses(unsigned *n)
{
	*n = dp.n_addresses;
	return dp.addresses;
}

int
dp_swap_rules(const struct dp_rule *rules, unsigned n, struct dp_error *error)
{
	struct dp_machine *m = &dp.machine;
	if (!dp.eal_started || dp.stopped)
		return dp_fail(error, ESHUTDOWN, "dp_swap_rules", "rule list", "the data plane does not run");
	/* A limit is divided among the lcores that receive: the others would leave their share unused. */
	unsigned receiving = 0;
	for (unsigned i = 0; i < m->n_lcores; i++)
		receiving += m->lcores[i]->n_rxqs > 0;
	struct dp_rules *made = dp_rules_new(rules, n, m->n_lcores, m->plan.lcore_ids, receiving, error);
	if (made == NULL)
		return -1;
	for (unsigned i = 0; i < m->n_lcores; i++)
		atomic_store_explicit(&m->lcores[i]->rules, made, memory_order_release);
	struct dp_rules *old = dp.rules;
	dp.rules = made;
	dp_counters_commit_rules();
	/* An lcore that stands still may read the old list for ever: then it is never freed. */
	if (quiesce(false))
		dp_rules_free(old);
	return 0;
}

void
dp_service(int wake_fd)
{
	int64_t left = dp.refreshed_ms + REFRESH_MS - now_ms();
	struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN}, {.fd = dp.netlink_fd, .events = POLLIN}};
	poll(fds, 2, left > 0 ? (int)left : 0);
	if (fds[1].revents != 0 && dp_netlink_drain(dp.netlink_fd))
		dp.addresses_stale = true;
	if (dp.addresses_stale) {
		dp.addresses_stale = false;
		refresh_taps();
		if (read_addresses())
			dp.events.addresses(dp.events.context);
		for (unsigned p = 0; p < dp.machine.n_ports; p++)
			refresh_filters(p);
	}
	if (now_ms() - dp.refreshed_ms >= REFRESH_MS)
		refresh(true);
}

static bool
all_lcores(_Atomic bool *(*flag)(struct dp_lcore *))
{
	for (unsigned i = 0; i < dp.machine.n_launched; i++)
		if (!atomic_load_explicit(flag(dp.machine.lcores[i]), memory_order_acquire))
			return false;
	return true;
}

static _Atomic bool *
drained_flag(struct dp_lcore *lcore)
{
	return &lcore->drained;
}

static _Atomic bool *
finished_flag(struct dp_lcore *lcore)
{
	return &lcore->finished;
}

/* Puts every lcore into `phase` and waits until each has reached it; false when one stands still. */
static bool
enter_phase(enum dp_phase phase, _Atomic bool *(*reached)(struct dp_lcore *))
{
	for (unsigned i = 0; i < dp.machine.n_launched; i++)
		atomic_store_explicit(&dp.machine.lcores[i]->phase, phase, memory_order_release);
	int64_t deadline = now_ms() + QUIESCE_MS;
	while (!all_lcores(reached)) {
		if (now_ms() > deadline)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	return true;
}

/*
 * From the wire inwards: lcores take nothing new, then the taps are served to the end, then lcores send the rest. False
 * when an lcore stands still: it may use anything at any time.
 */
static bool
stop_traffic(void)
{
	struct dp_machine *m = &dp.machine;
	if (!enter_phase(DP_PHASE_DRAIN, drained_flag))
		return false;
	for (unsigned t = 0; t < DP_MAX_EXCEPTION_THREADS && m->threads[t] != NULL; t++)
		dp_exception_thread_stop(m->threads[t]);
	if (!enter_phase(DP_PHASE_STOP, finished_flag))
		return false;
	for (unsigned i = 0; i < m->n_launched; i++)
		rte_eal_wait_lcore(m->lcores[i]->id);
	return true;
}

static void
free_addresses(void)
{
	for (unsigned i = 0; i < dp.n_addresses; i++)
		free(dp.addresses[i].text);
	dp.n_addresses = 0;
}

unsigned
dp_stop(void)
{
	struct dp_machine *m = &dp.machine;
	if (!dp.eal_started || dp.stopped)
		return 0;
	dp.stopped = true;
	if (!stop_traffic())
		return DP_STOP_STUCK;
	for (unsigned p = 0; p < m->n_ports; p++) {
		if (m->ports[p].row != NULL)
			dp_port_refresh_counters(&m->ports[p]);
	}
	refresh_taps();
	for (unsigned p = 0; p < m->n_ports; p++) {
		if (m->virtio_open[p])
			dp_vhost_net_close(m->virtio_port_ids[p]);
		m->virtio_open[p] = false;
		dp_port_close(&m->ports[p]);
	}
	dp_unwire(m);
	unsigned missing = dp_mempool_in_use();
	dp_mempool_refresh();
	dp_mempool_free_all();
	dp_rules_free(dp.rules);
	dp.rules = NULL;
	free_addresses();
	close(dp.netlink_fd);
	rte_eal_cleanup();
	dp_counters_unmap();
	return missing;
}
