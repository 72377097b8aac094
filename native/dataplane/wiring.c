/* SPDX-License-Identifier: Apache-2.0 */
#include "wiring.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_ring.h>

#include "error.h"
#include "punt_stamp.h"

#define HANDOVER_RING_SIZE 1024
#define EXCEPTION_RING_SIZE 1024
#define EXCEPTION_RING_MIN 256 /* a burst of the largest size fits */
/* A power of two above DP_SEGMENTS_MAX: a tap frame is taken when the ring has room for all that it may become. */
#define INJECT_RING_SIZE 2048

/* Every ring has one producer and one consumer. */
static struct rte_ring *
new_ring(const char *kind, unsigned a, unsigned b, unsigned size, struct dp_error *error)
{
	char name[RTE_RING_NAMESIZE];
	snprintf(name, sizeof(name), "%s_%u_%u", kind, a, b);
	struct rte_ring *ring = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == NULL)
		dp_fail(error, rte_errno, "rte_ring_create", name, "%u entries: %s", size, rte_strerror(rte_errno));
	return ring;
}

static void *
new_aligned(size_t size)
{
	size = (size + 63) & ~(size_t)63;
	void *memory = aligned_alloc(64, size);
	if (memory != NULL)
		memset(memory, 0, size);
	return memory;
}

/* The lcore that transmits to `port` for lcore `index`: itself, or another when the port has fewer queues. */
static unsigned
owner_of(const struct dp_port *port, unsigned index)
{
	return index % port->n_queues;
}

static int
add_inbound(struct dp_lcore *lcore, struct rte_ring *ring, const struct dp_port *port, bool inject,
	    struct dp_flow_row *row, uint16_t row_port_id, struct dp_error *error)
{
	if (lcore->n_inbounds == sizeof(lcore->inbounds) / sizeof(lcore->inbounds[0]))
		return dp_fail(error, ENOSPC, "dp_wire", "lcore", "too many rings end at lcore %u", lcore->id);
	lcore->inbounds[lcore->n_inbounds++] = (struct dp_inbound){
		.ring = ring,
		.port_id = port->id,
		.queue_id = (uint16_t)lcore->index,
		.paused = &port->paused,
		.inject = inject,
		.row = row,
		.row_port_id = row_port_id,
		.capture = &lcore->capture,
	};
	return 0;
}

static struct dp_flow_row *
flow_row(const struct dp_port *port, const char *kind, unsigned id, int queue, bool exception, struct dp_error *error)
{
	char owner[32];
	snprintf(owner, sizeof(owner), "%s=%u", kind, id);
	struct dp_flow_row *row = dp_counters_add_flow(port->plan->name, owner, queue, exception);
	if (row == NULL)
		dp_fail(error, ENOSPC, "dp_counters_add_flow", "counter file", "too small for %s and port %s", owner,
			port->plan->name);
	return row;
}

static int
make_lcore(struct dp_machine *m, unsigned index, struct dp_error *error)
{
	struct dp_lcore *lcore = new_aligned(sizeof(*lcore));
	if (lcore == NULL)
		return dp_fail(error, ENOMEM, "dp_wire", "lcore", "out of memory");
	m->lcores[index] = lcore;
	lcore->id = m->plan.lcore_ids[index];
	lcore->index = index;
	lcore->epoch = &m->epoch;
	lcore->capture = (struct dp_capture_hook){.current = &m->capture, .producer = index};
	lcore->mode = m->plan.mode;
	lcore->burst = m->plan.burst;
	lcore->sleep_when_idle = m->plan.sleep_when_idle;
	lcore->mempool = m->ports[0].mempool;
	lcore->row = dp_counters_add_lcore(lcore->id);
	if (lcore->row == NULL)
		return dp_fail(error, ENOSPC, "dp_counters_add_lcore", "counter file", "too small for lcore %u",
			       lcore->id);
	return 0;
}

static uint16_t
peer_of(const struct dp_machine *m, unsigned port)
{
	/* Replies of icmpecho leave by the port that the request came in by, as with testpmd. */
	return m->plan.mode == DP_MODE_ICMPECHO ? (uint16_t)port : m->plan.ports[port].peer;
}

/* The egress of lcore `index` for packets that came in by port `in`, and the ring to the queue's owner if need be. */
static int
wire_egress(struct dp_machine *m, unsigned index, unsigned in, struct dp_flow_row *owner_rows[][DP_MAX_PORTS],
	    struct dp_error *error)
{
	struct dp_lcore *lcore = m->lcores[index];
	struct dp_egress *egress = &lcore->egress[in];
	const struct dp_port *out = &m->ports[peer_of(m, in)];
	unsigned owner = owner_of(out, index);
	egress->port_id = out->id;
	egress->queue_id = (uint16_t)owner;
	egress->paused = &out->paused;
	memcpy(egress->source_mac, out->mac, sizeof(egress->source_mac));
	memcpy(egress->peer_mac, out->plan->eth_peer, sizeof(egress->peer_mac));
	if (owner == index)
		return 0;
	egress->handover = new_ring("handover", lcore->id, in, HANDOVER_RING_SIZE, error);
	if (egress->handover == NULL)
		return -1;
	return add_inbound(m->lcores[owner], egress->handover, out, false, owner_rows[owner][in], m->ports[in].id,
			   error);
}

static int
wire_lcores(struct dp_machine *m, struct dp_flow_row *rows[][DP_MAX_PORTS], struct dp_error *error)
{
	for (unsigned i = 0; i < m->n_lcores; i++) {
		if (make_lcore(m, i, error) < 0)
			return -1;
		for (unsigned p = 0; p < m->n_ports; p++) {
			int queue = i < m->ports[p].n_queues ? (int)i : -1;
			rows[i][p] = flow_row(&m->ports[p], "lcore", m->lcores[i]->id, queue, false, error);
			if (rows[i][p] == NULL)
				return -1;
		}
	}
	for (unsigned i = 0; i < m->n_lcores; i++) {
		struct dp_lcore *lcore = m->lcores[i];
		for (unsigned p = 0; p < m->n_ports; p++) {
			const struct dp_port *port = &m->ports[p];
			if (i >= port->n_queues)
				continue;
			if (wire_egress(m, i, p, rows, error) < 0)
				return -1;
			lcore->rxqs[lcore->n_rxqs++] = (struct dp_rxq){
				.port_id = port->id,
				.queue_id = (uint16_t)i,
				.max_frame = port->max_frame,
				.paused = &port->paused,
				.restore_vlan = port->vlan_filter,
				.kernel_path = port->plan->exception.backend != DP_BACKEND_NONE,
				.capture = &lcore->capture,
				.row = rows[i][p],
				.egress = &lcore->egress[p],
			};
		}
	}
	return 0;
}

/* An lcore's packets in flight stay about as many, however many threads share them. */
static unsigned
exception_ring_size(unsigned n_threads)
{
	unsigned size = EXCEPTION_RING_SIZE / rte_align32pow2(n_threads);
	return size < EXCEPTION_RING_MIN ? EXCEPTION_RING_MIN : size;
}

static int
make_thread(struct dp_machine *m, unsigned index, struct dp_error *error)
{
	struct dp_exception_thread *thread = new_aligned(sizeof(*thread));
	if (thread == NULL)
		return dp_fail(error, ENOMEM, "dp_wire", "exception thread", "out of memory");
	m->threads[index] = thread;
	thread->index = index;
	thread->epoch = &m->epoch;
	thread->capture = (struct dp_capture_hook){.current = &m->capture, .producer = m->n_lcores + index};
	thread->row = dp_counters_add_thread(index);
	if (thread->row == NULL)
		return dp_fail(error, ENOSPC, "dp_counters_add_thread", "counter file", "too small");
	thread->limiter = &m->limiters[index];
	thread->n_lcores = m->n_lcores;
	for (unsigned l = 0; l < m->n_lcores; l++) {
		for (unsigned c = 0; c < DP_CLASS_COUNT; c++) {
			char kind[16];
			snprintf(kind, sizeof(kind), "punt%u", c);
			thread->rings[l][c] =
				new_ring(kind, m->lcores[l]->id, index, exception_ring_size(m->n_threads), error);
			if (thread->rings[l][c] == NULL)
				return -1;
		}
	}
	return 0;
}

/* Queue `thread->index` of port `p`'s exception path. */
static int
wire_exception_queue(struct dp_machine *m, struct dp_exception_thread *thread, unsigned p,
		     struct dp_flow_row *rows[][DP_MAX_PORTS], struct dp_error *error)
{
	const struct dp_port *port = &m->ports[p];
	struct dp_exception_queue *queue = &thread->queues[thread->n_queues++];
	*queue = (struct dp_exception_queue){
		.port = port, .fd = -1, .wake_fd = -1, .tap_up = &m->tap_up[p], .capture = &thread->capture};
	thread->queue_of_port[port->id] = queue;
	queue->row = flow_row(port, "thread", thread->index, -1, true, error);
	if (queue->row == NULL)
		return -1;
	queue->latency = dp_counters_add_latency(port->plan->name, thread->index);
	if (queue->latency == NULL)
		return dp_fail(error, ENOSPC, "dp_counters_add_latency", "counter file", "too small");
	if (port->plan->exception.backend == DP_BACKEND_TAP) {
		queue->ops = &dp_tap_ops;
		if (dp_tap_open(queue, error) < 0)
			return -1;
		queue->wake_fd = queue->fd;
	} else if (port->plan->exception.backend == DP_BACKEND_VHOST_NET) {
		queue->ops = &dp_vhost_net_ops;
		if (dp_vhost_queue_open(queue, error) < 0)
			return -1;
		dp_virtio_attach(queue, m->virtio_port_ids[p], (uint16_t)thread->index);
	} else {
		queue->ops = &dp_vhost_user_ops;
		queue->neighbour_up = &m->neighbours[p].up;
	}
	if (port->spare_tx_queue)
		return 0;
	struct dp_lcore *owner = m->lcores[owner_of(port, thread->index)];
	queue->inject = new_ring("inject", port->id, thread->index, INJECT_RING_SIZE, error);
	if (queue->inject == NULL)
		return -1;
	return add_inbound(owner, queue->inject, port, true, rows[owner->index][p], port->id, error);
}

static int
wire_exception_path(struct dp_machine *m, struct dp_flow_row *rows[][DP_MAX_PORTS], struct dp_error *error)
{
	unsigned placed = 0;
	m->n_threads = 0;
	for (unsigned p = 0; p < m->n_ports; p++) {
		const struct dp_exception_plan *plan = &m->plan.ports[p].exception;
		if (plan->backend != DP_BACKEND_NONE && plan->queues > m->n_threads)
			m->n_threads = plan->queues;
		bool virtio = plan->backend == DP_BACKEND_VHOST_NET || plan->backend == DP_BACKEND_VHOST_USER;
		if (virtio && dp_virtio_check_queues(plan, error) < 0)
			return -1;
		if (plan->backend == DP_BACKEND_VHOST_NET) {
			if (dp_virtio_open(&m->ports[p], &m->virtio_port_ids[p], error) < 0)
				return -1;
			m->virtio_open[p] = true;
			if (dp_vhost_workers_find(&m->vhost_workers[p], &m->plan.ports[p], p, &m->plan.vhost, placed,
						  error) < 0)
				return -1;
			placed += m->vhost_workers[p].n;
		}
		if (plan->backend == DP_BACKEND_VHOST_USER &&
		    dp_vhost_user_begin(&m->neighbours[p], &m->ports[p], error) < 0)
			return -1;
	}
	if (m->n_threads == 0)
		return 0;
	m->limiters = new_aligned(m->n_threads * sizeof(*m->limiters));
	if (m->limiters == NULL)
		return dp_fail(error, ENOMEM, "dp_wire", "total limit", "out of memory");
	dp_limiters_init(m->limiters, m->n_threads, m->plan.exception_limit, rte_get_tsc_hz(), rte_rdtsc());
	for (unsigned t = 0; t < m->n_threads; t++) {
		if (make_thread(m, t, error) < 0)
			return -1;
		for (unsigned p = 0; p < m->n_ports; p++) {
			const struct dp_exception_plan *plan = &m->plan.ports[p].exception;
			if (plan->backend != DP_BACKEND_NONE && t < plan->queues &&
			    wire_exception_queue(m, m->threads[t], p, rows, error) < 0)
				return -1;
		}
	}
	return 0;
}

/* Each receive queue can punt to every thread that has a queue of its port. */
static void
connect_punts(struct dp_machine *m)
{
	for (unsigned i = 0; i < m->n_lcores; i++) {
		struct dp_lcore *lcore = m->lcores[i];
		for (unsigned r = 0; r < lcore->n_rxqs; r++) {
			struct dp_rxq *rxq = &lcore->rxqs[r];
			for (unsigned p = 0; p < m->n_ports; p++) {
				if (m->ports[p].id != rxq->port_id || !rxq->kernel_path)
					continue;
				rxq->n_exception = m->plan.ports[p].exception.queues;
				for (unsigned t = 0; t < rxq->n_exception; t++)
					memcpy(rxq->exception[t], m->threads[t]->rings[i], sizeof(rxq->exception[t]));
			}
		}
	}
}

int
dp_wire(struct dp_machine *m, struct dp_error *error)
{
	struct dp_flow_row *(*rows)[DP_MAX_PORTS] = calloc(DP_MAX_LCORES, sizeof(*rows));
	if (rows == NULL)
		return dp_fail(error, ENOMEM, "dp_wire", "data plane", "out of memory");
	int rc = wire_lcores(m, rows, error);
	if (rc == 0)
		rc = dp_stamp_register(error);
	if (rc == 0)
		rc = wire_exception_path(m, rows, error);
	if (rc == 0)
		connect_punts(m);
	free(rows);
	return rc;
}

void
dp_unwire(struct dp_machine *m)
{
	for (unsigned t = 0; t < DP_MAX_EXCEPTION_THREADS && m->threads[t] != NULL; t++) {
		struct dp_exception_thread *thread = m->threads[t];
		for (unsigned q = 0; q < thread->n_queues; q++) {
			dp_tap_close(&thread->queues[q]);
			dp_vhost_queue_close(&thread->queues[q]);
			rte_ring_free(thread->queues[q].inject);
		}
		for (unsigned l = 0; l < thread->n_lcores; l++)
			for (unsigned c = 0; c < DP_CLASS_COUNT; c++)
				rte_ring_free(thread->rings[l][c]);
		free(thread);
		m->threads[t] = NULL;
	}
	free(m->limiters);
	m->limiters = NULL;
	for (unsigned i = 0; i < DP_MAX_LCORES && m->lcores[i] != NULL; i++) {
		for (unsigned p = 0; p < DP_MAX_PORTS; p++)
			rte_ring_free(m->lcores[i]->egress[p].handover);
		free(m->lcores[i]);
		m->lcores[i] = NULL;
	}
}
