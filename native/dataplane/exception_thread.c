/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exception thread: rings -> kernel in strict order control > local > other within the total limit, kernel ->
 * wire. It may make system calls; the lcores never wait for it.
 */
#include "exception.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "error.h"
#include "idle.h"
#include "inject.h"
#include "punt_stamp.h"

/* Packets to the kernel in one turn before frames from the kernel get theirs. */
#define PUNT_TURN 256
#define RECEIVE_BUDGET 32

/*
 * Sixteenths of the total limit's burst that a class leaves for those above it: a flood of `other` empties the
 * bucket only so far, and control protocols still find tokens.
 */
static const unsigned reserve_sixteenths[DP_CLASS_COUNT] = {
	[DP_CLASS_CONTROL] = 0,
	[DP_CLASS_LOCAL] = 2,
	[DP_CLASS_OTHER] = 4,
};

void
dp_exception_count_punted(struct dp_exception_queue *queue, enum dp_class klass, const uint32_t *lengths, uint16_t n)
{
	uint64_t bytes = 0;
	for (uint16_t i = 0; i < n; i++) {
		bytes += lengths[i];
		dp_count(&queue->row->punted_sizes[dp_size_slot(lengths[i])], 1);
	}
	dp_count(&queue->row->punted[klass], n);
	dp_count(&queue->row->punted_bytes[klass], bytes);
}

void
dp_exception_count_frame(struct dp_exception_queue *queue, uint32_t bytes)
{
	dp_count(&queue->row->tap_rx_frames, 1);
	dp_count(&queue->row->tap_rx_bytes, bytes);
	dp_count(&queue->row->tap_rx_sizes[dp_size_slot(bytes)], 1);
}

void
dp_exception_capture_drop(const struct dp_exception_queue *queue, enum dp_drop_reason reason,
			  struct rte_mbuf *const *pkts, unsigned n)
{
	dp_capture_offer(
		queue->capture,
		(struct dp_capture_look){.point = DP_CAPTURE_DROPPED, .reason = reason, .port_id = queue->port->id},
		pkts, n);
}

void
dp_exception_drop(struct dp_exception_queue *queue, enum dp_drop_reason reason, struct rte_mbuf **pkts, unsigned n)
{
	if (n == 0)
		return;
	dp_exception_capture_drop(queue, reason, pkts, n);
	dp_count(&queue->row->dropped[reason], n);
	rte_pktmbuf_free_bulk(pkts, n);
}

/* Hands packets of one port to its backend, and says how long the sampled ones were here. */
static void
deliver(struct dp_exception_queue *queue, enum dp_class klass, struct rte_mbuf **pkts, uint16_t n)
{
	uint64_t stamps[DP_PUNT_BURST];
	dp_capture_offer(queue->capture,
			 (struct dp_capture_look){.point = DP_CAPTURE_PUNTED, .port_id = queue->port->id}, pkts, n);
	unsigned n_stamps = dp_stamp_collect(pkts, n, stamps);
	uint64_t before = atomic_load_explicit(&queue->row->punted[klass], memory_order_relaxed);
	queue->ops->punt(queue, klass, pkts, n);
	/* When the kernel did not take them all nobody knows whether it took these. */
	uint64_t after = atomic_load_explicit(&queue->row->punted[klass], memory_order_relaxed);
	if (n_stamps > 0 && after - before == n)
		dp_stamp_count(queue->latency, klass, stamps, n_stamps);
}

/* Splits a burst by port, in order. */
static void
punt(struct dp_exception_thread *t, enum dp_class klass, struct rte_mbuf **pkts, unsigned n)
{
	for (unsigned i = 0; i < n;) {
		uint16_t port_id = pkts[i]->port;
		unsigned first = i;
		while (i < n && pkts[i]->port == port_id)
			i++;
		deliver(t->queue_of_port[port_id], klass, pkts + first, (uint16_t)(i - first));
	}
}

static void
limit_and_punt(struct dp_exception_thread *t, enum dp_class klass, struct rte_mbuf **pkts, unsigned n)
{
	unsigned kept = 0;
	dp_limiter_begin(t->limiter, rte_rdtsc());
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		if (dp_limiter_take(t->limiter, reserve_sixteenths[klass])) {
			pkts[kept++] = m;
			continue;
		}
		dp_exception_drop(t->queue_of_port[m->port], DP_DROP_EXCEPTION_LIMIT, &m, 1);
	}
	punt(t, klass, pkts, kept);
}

unsigned
dp_exception_take(struct dp_exception_thread *t, enum dp_class *klass, struct rte_mbuf *pkts[DP_PUNT_BURST])
{
	for (unsigned c = 0; c < DP_CLASS_COUNT; c++) {
		unsigned n = 0;
		for (unsigned i = 0; i < t->n_lcores && n < DP_PUNT_BURST; i++) {
			struct rte_ring *ring = t->rings[(t->first_lcore[c] + i) % t->n_lcores][c];
			n += rte_ring_sc_dequeue_burst(ring, (void **)(pkts + n), DP_PUNT_BURST - n, NULL);
		}
		if (n > 0) {
			/* A flood through one lcore fills every burst that begins at its ring. */
			t->first_lcore[c] = (t->first_lcore[c] + 1) % t->n_lcores;
			*klass = (enum dp_class)c;
			return n;
		}
	}
	return 0;
}

static unsigned
punt_next(struct dp_exception_thread *t)
{
	struct rte_mbuf *pkts[DP_PUNT_BURST];
	enum dp_class klass;
	unsigned n = dp_exception_take(t, &klass, pkts);
	if (n > 0)
		limit_and_punt(t, klass, pkts, n);
	return n;
}

static void
refresh_queued(struct dp_exception_thread *t)
{
	for (unsigned c = 0; c < DP_CLASS_COUNT; c++) {
		unsigned queued = 0;
		for (unsigned l = 0; l < t->n_lcores; l++)
			queued += rte_ring_count(t->rings[l][c]);
		dp_set(&t->row->queued[c], queued);
	}
}

static unsigned
turn(struct dp_exception_thread *t, enum dp_phase phase)
{
	unsigned moved = 0, n;
	refresh_queued(t);
	while (moved < PUNT_TURN && (n = punt_next(t)) > 0)
		moved += n;
	if (phase == DP_PHASE_RUN)
		for (unsigned i = 0; i < t->n_queues; i++)
			moved += t->queues[i].ops->receive(&t->queues[i], RECEIVE_BUDGET, t->scratch);
	return moved;
}

static void
arm(struct dp_exception_thread *t, bool on)
{
	for (unsigned i = 0; i < t->n_queues; i++)
		if (t->queues[i].ops->arm != NULL)
			t->queues[i].ops->arm(&t->queues[i], on);
	t->armed = on;
}

/* Sleeps up to `ns`; a frame from the kernel ends the sleep, a packet from an lcore does not (lcores make no calls). */
static void
rest(struct dp_exception_thread *t, long ns)
{
	struct pollfd fds[DP_MAX_PORTS];
	struct dp_exception_queue *polled[DP_MAX_PORTS];
	nfds_t n = 0;
	for (unsigned i = 0; i < t->n_queues; i++) {
		struct dp_exception_queue *queue = &t->queues[i];
		if (!dp_exception_can_inject(queue) || queue->wake_fd < 0)
			continue;
		polled[n] = queue;
		fds[n++] = (struct pollfd){.fd = queue->wake_fd, .events = POLLIN};
	}
	struct timespec timeout = {.tv_nsec = ns};
	ppoll(fds, n, &timeout, NULL);
	bool broken = false, frames = false;
	for (nfds_t i = 0; i < n; i++) {
		frames |= (fds[i].revents & POLLIN) != 0;
		broken |= (fds[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
		if ((fds[i].revents & POLLIN) && polled[i]->ops->woken != NULL)
			polled[i]->ops->woken(polled[i]);
	}
	dp_count(&t->row->wakeups, frames ? 1 : 0);
	/* A tap that is down or gone is "ready" at once: sleep without it, or this would spin. */
	if (broken)
		nanosleep(&timeout, NULL);
}

static void *
thread_main(void *arg)
{
	struct dp_exception_thread *t = arg;
	char name[16];
	snprintf(name, sizeof(name), "exception-%u", t->index);
	pthread_setname_np(pthread_self(), name);
	prctl(PR_SET_TIMERSLACK, 1);
	/* With an lcore id of its own the thread has a mempool cache. */
	bool registered = rte_thread_register() == 0;
	struct dp_load load;
	dp_load_init(&load, &t->row->busy_cycles, &t->row->idle_cycles);
	for (;;) {
		uint64_t epoch = atomic_load_explicit(t->epoch, memory_order_acquire);
		enum dp_phase phase = atomic_load_explicit(&t->phase, memory_order_acquire);
		uint64_t begin = dp_load_begin(&load);
		unsigned moved = turn(t, phase);
		dp_load_end(&load, begin, moved > 0);
		dp_count(&t->row->polls, 1);
		atomic_store_explicit(&t->seen_epoch, epoch, memory_order_release);
		if (moved > 0) {
			if (t->armed)
				arm(t, false);
			continue;
		}
		if (phase == DP_PHASE_STOP)
			break;
		long ns = dp_load_sleep_ns(&load);
		if (ns == 0)
			rte_pause();
		else if (!t->armed)
			arm(t, true); /* and once more round: what came before does not tell */
		else
			rest(t, ns);
	}
	if (registered)
		rte_thread_unregister();
	return NULL;
}

int
dp_exception_thread_start(struct dp_exception_thread *t, struct dp_error *error)
{
	t->scratch = malloc(sizeof(*t->scratch));
	if (t->scratch == NULL)
		return dp_fail(error, ENOMEM, "malloc", "exception thread", "out of memory");
	int rc = pthread_create(&t->pthread, NULL, thread_main, t);
	if (rc != 0)
		return dp_fail(error, rc, "pthread_create", "exception thread", "%s", strerror(rc));
	t->running = true;
	return 0;
}

void
dp_exception_thread_stop(struct dp_exception_thread *t)
{
	if (t->running) {
		atomic_store_explicit(&t->phase, DP_PHASE_STOP, memory_order_release);
		pthread_join(t->pthread, NULL);
		t->running = false;
	}
	free(t->scratch);
	t->scratch = NULL;
}
