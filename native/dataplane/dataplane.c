/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the data plane: start, swap, stop; upkeep.c has what goes on in between. Reads as the order of things. */
#include "dataplane.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "capture.h"
#include "eal.h"
#include "error.h"
#include "mempool.h"
#include "quiesce.h"
#include "upkeep.h"
#include "wiring.h"

/* EAL's life is the process's; so is this. Only the control thread touches it. */
static struct {
	struct dp_machine machine;
	struct dp_upkeep upkeep;
	struct dp_rules *rules;
	bool eal_started;
	bool stopped;
} dp = {.upkeep.netlink_fd = -1};

static int
open_ports(struct dp_error *error)
{
	struct dp_machine *m = &dp.machine;
	struct rte_mempool *mempools[DP_MAX_PORTS] = {NULL};
	struct dp_port_traffic traffic = {.one_mempool = true, .one_mbuf = true};
	m->n_ports = m->plan.n_ports;
	for (unsigned p = 0; p < m->n_ports; p++) {
		if (dp_port_open(&m->ports[p], &m->plan.ports[p], error) < 0)
			return -1;
		mempools[p] = dp_mempool_get(&m->plan, m->ports[p].numa_node, error);
		if (mempools[p] == NULL)
			return -1;
		traffic.one_mempool &= mempools[p] == mempools[0];
		traffic.one_mbuf &= !dp_port_has_long_frames(&m->ports[p], mempools[p]);
	}
	for (unsigned p = 0; p < m->n_ports; p++) {
		struct dp_port *port = &m->ports[p];
		if (dp_port_configure(port, m->plan.n_lcores, mempools[p], &traffic, error) < 0)
			return -1;
		port->row = dp_counters_add_port(port->plan->name);
		if (port->row == NULL)
			return dp_fail(error, ENOSPC, "dp_counters_add_port", "counter file", "too small");
		if (dp_has_tap(port->plan)) {
			dp.upkeep.tap_rows[p] = dp_counters_add_tap(port->plan->name, port->plan->exception.tap);
			if (dp.upkeep.tap_rows[p] == NULL)
				return dp_fail(error, ENOSPC, "dp_counters_add_tap", "counter file", "too small");
		}
	}
	return 0;
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
start(int counters, const struct dp_events *events, struct dp_error *error)
{
	struct dp_machine *m = &dp.machine;
	if (dp_counters_map(counters, error) < 0 || dp_eal_start(&m->plan, error) < 0)
		return -1;
	dp.eal_started = true;
	int rc = dp_upkeep_begin(&dp.upkeep, m, events);
	if (rc < 0)
		return dp_fail(error, -rc, "socket", "rtnetlink", "%s", strerror(-rc));
	if (open_ports(error) < 0)
		return -1;
	m->n_lcores = m->plan.n_lcores;
	if (dp_wire(m, error) < 0)
		return -1;
	dp_upkeep_look(&dp.upkeep);
	if (launch(error) < 0)
		return -1;
	dp_upkeep_first(&dp.upkeep);
	dp_vhost_user_start(m);
	return 0;
}

int
dp_start(const struct dp_plan *plan, int counters, const struct dp_events *events, struct dp_error *error)
{
	if (dp.eal_started)
		return dp_fail(error, EALREADY, "dp_start", "data plane", "an EAL starts once per process");
	dp.machine.plan = *plan;
	if (start(counters, events, error) == 0)
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
		to->tso = port->offloads.tso;
		to->rx_checksum = port->offloads.rx_checksum;
		to->backend = port->plan->exception.backend;
		memcpy(to->tap, port->plan->exception.tap, sizeof(to->tap));
		to->exception_queues = to->backend == DP_BACKEND_NONE ? 0 : port->plan->exception.queues;
		to->n_vhost_workers = m->vhost_workers[p].n;
		for (unsigned q = 0; q < to->n_vhost_workers; q++) {
			const struct dp_vhost_worker *worker = &m->vhost_workers[p].of_queue[q];
			to->vhost_workers[q] =
				(struct dp_vhost_worker_info){.tid = worker->tid, .place_errnum = worker->errnum};
			memcpy(to->vhost_workers[q].name, worker->name, sizeof(worker->name));
			dp_vhost_worker_cpus(worker->tid, to->vhost_workers[q].cpus);
		}
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
	*n = dp.upkeep.n_addresses;
	return dp.upkeep.addresses;
}

int
dp_swap_rules(const struct dp_rule *rules, unsigned n, struct dp_classifier *classifier, struct dp_error *error)
{
	struct dp_machine *m = &dp.machine;
	if (!dp.eal_started || dp.stopped) {
		dp_classifier_free(classifier);
		return dp_fail(error, ESHUTDOWN, "dp_swap_rules", "rule list", "the data plane does not run");
	}
	/* Lcores that receive come first: lcore i has queue i of the ports. They share the limits. */
	unsigned receiving = 0;
	for (unsigned i = 0; i < m->n_lcores; i++)
		receiving += m->lcores[i]->n_rxqs > 0;
	struct dp_rules *made = dp_rules_new(rules, n, classifier, m->n_lcores, m->plan.lcore_ids, receiving, error);
	if (made == NULL)
		return -1;
	for (unsigned i = 0; i < m->n_lcores; i++)
		atomic_store_explicit(&m->lcores[i]->rules, made, memory_order_release);
	struct dp_rules *old = dp.rules;
	dp.rules = made;
	dp_counters_commit_rules();
	/* An lcore that stands still may read the old list for ever: then it is never freed. */
	if (dp_quiesce(m, false))
		dp_rules_free(old);
	return 0;
}

int
dp_capture_start(const struct dp_capture_plan *plan, struct dp_classifier *filter, struct dp_error *error)
{
	if (dp.eal_started && !dp.stopped)
		return dp_capture_begin(&dp.machine, plan, filter, error);
	dp_classifier_free(filter);
	return dp_fail(error, ESHUTDOWN, "dp_capture_start", "capture", "the data plane does not run");
}

static void
stop_capture(unsigned patience_ms)
{
	struct dp_capture_result result;
	if (atomic_load_explicit(&dp.machine.capture, memory_order_relaxed) == NULL)
		return;
	dp_capture_end(&dp.machine, patience_ms, &result);
	dp.upkeep.events.capture_ended(dp.upkeep.events.context, &result);
}

void
dp_capture_stop(void)
{
	stop_capture(DP_CAPTURE_PATIENCE_MS);
}

void
dp_service(int wake_fd)
{
	dp_upkeep_turn(&dp.upkeep, wake_fd);
	const struct dp_capture *capture = atomic_load_explicit(&dp.machine.capture, memory_order_relaxed);
	if (capture != NULL && dp_capture_is_over(capture))
		dp_capture_stop();
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
	int64_t deadline = dp_now_ms() + DP_QUIESCE_MS;
	while (!all_lcores(reached)) {
		if (dp_now_ms() > deadline)
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

unsigned
dp_stop(void)
{
	struct dp_machine *m = &dp.machine;
	if (!dp.eal_started || dp.stopped)
		return 0;
	stop_capture(0); /* whoever reads has no say in how long a stop takes */
	dp.stopped = true;
	if (!stop_traffic())
		return DP_STOP_STUCK;
	dp_upkeep_last(&dp.upkeep);
	if (!dp_vhost_user_end(m))
		return DP_STOP_STUCK;
	for (unsigned p = 0; p < m->n_ports; p++) {
		if (m->virtio_open[p])
			dp_virtio_close(&m->ports[p], m->virtio_port_ids[p]);
		m->virtio_open[p] = false;
		dp_port_close(&m->ports[p]);
	}
	dp_unwire(m);
	unsigned missing = dp_mempool_in_use();
	dp_mempool_refresh();
	dp_mempool_free_all();
	dp_rules_free(dp.rules);
	dp.rules = NULL;
	dp_upkeep_end(&dp.upkeep);
	rte_eal_cleanup();
	dp_counters_unmap();
	return missing;
}
