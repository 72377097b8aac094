/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "capture_format.h"
#include "capture_private.h"
#include "classifier.h"
#include "error.h"
#include "quiesce.h"
#include "wiring.h"

/* What a burst of every producer and the writer's pipe take, many times over. */
#define RING_SIZE 512
/* The copies wait for the writer here; more memory would only put off what a slow reader misses. */
#define POOL_BYTES (2u << 20)
#define MIN_COPIES 127
#define MAX_COPIES 1023

static const char *const point_names[] = {
	[DP_CAPTURE_RECEIVED] = "received", [DP_CAPTURE_FORWARDED] = "forwarded", [DP_CAPTURE_PUNTED] = "punted",
	[DP_CAPTURE_INJECTED] = "injected", [DP_CAPTURE_DROPPED] = "dropped",
};

static bool
wanted(const struct dp_capture *capture, const struct dp_capture_look *look)
{
	if ((capture->points >> look->point & 1) == 0)
		return false;
	if (look->point == DP_CAPTURE_DROPPED && (capture->reasons >> look->reason & 1) == 0)
		return false;
	return capture->interfaces[look->port_id] != DP_NO_INTERFACE;
}

static void
copy(const struct dp_capture *capture, struct dp_capture_producer *p, const struct dp_pcapng_packet *packet,
     const struct rte_mbuf *m)
{
	struct rte_mbuf *made = rte_pktmbuf_alloc(capture->mempool);
	if (made != NULL) {
		made->data_len = (uint16_t)dp_pcapng_packet(rte_pktmbuf_mtod(made, uint8_t *), m, packet);
		if (rte_ring_sp_enqueue(p->ring, made) == 0)
			return;
		rte_pktmbuf_free(made);
	}
	dp_count(&p->missed, 1);
}

/* Every n-th packet of the burst, as the sample says; the places are kept in `pkts`'s order. */
static uint16_t
take_sample(const struct dp_capture *capture, struct dp_capture_producer *p, struct rte_mbuf *const *pkts, uint16_t n,
	    struct rte_mbuf **taken)
{
	uint16_t n_taken = 0;
	uint32_t at = p->until_sample;
	for (; at < n; at += capture->sample)
		taken[n_taken++] = pkts[at];
	p->until_sample = at - n;
	return n_taken;
}

static void
take_burst(const struct dp_capture *capture, struct dp_capture_producer *p, struct dp_pcapng_packet *packet,
	   struct rte_mbuf *const *pkts, uint16_t n)
{
	struct rte_mbuf *taken[DP_MAX_BURST];
	uint16_t rule[DP_MAX_BURST] = {0};
	uint16_t n_taken = take_sample(capture, p, pkts, n, taken);
	uint64_t matched = 0, limited = 0;
	if (capture->filter != NULL)
		dp_classify_burst(capture->filter, taken, n_taken, rule);
	for (uint16_t i = 0; i < n_taken; i++) {
		if (rule[i] != 0)
			continue;
		if (!dp_limiter_take(&p->limit, 0)) {
			limited++;
			continue;
		}
		matched++;
		copy(capture, p, packet, taken[i]);
	}
	dp_count(&p->skipped, (uint64_t)(n - n_taken) + limited);
	dp_count(&p->matched, matched);
}

void __attribute__((noinline))
dp_capture_take(const struct dp_capture *capture, unsigned producer, const struct dp_capture_look *look,
		struct rte_mbuf *const *pkts, unsigned n)
{
	if (n == 0 || !wanted(capture, look) || dp_capture_ended(capture))
		return;
	struct dp_capture_producer *p = capture->producers[producer];
	uint64_t begin = rte_rdtsc();
	dp_limiter_begin(&p->limit, begin);
	dp_count(&p->passed, n);
	if (dp_limiter_is_empty(&p->limit)) {
		/* A flood shall not pay for what is not copied anyway. */
		dp_count(&p->skipped, n);
	} else {
		unsigned n_reasons;
		struct dp_pcapng_packet packet = {
			.interface = capture->interfaces[look->port_id],
			.tsc = begin,
			.outbound = look->point == DP_CAPTURE_FORWARDED || look->point == DP_CAPTURE_INJECTED,
			.comment = look->point == DP_CAPTURE_DROPPED ? dp_drop_reasons(&n_reasons)[look->reason]
								     : point_names[look->point],
			.snaplen = capture->snaplen,
		};
		for (unsigned at = 0; at < n; at += DP_MAX_BURST) {
			unsigned part = n - at < DP_MAX_BURST ? n - at : DP_MAX_BURST;
			take_burst(capture, p, &packet, pkts + at, (uint16_t)part);
		}
	}
	dp_count(&p->cycles, rte_rdtsc() - begin);
}

static int
make_producer(struct dp_capture *capture, unsigned i, uint64_t pps, struct dp_error *error)
{
	struct dp_capture_producer *p = aligned_alloc(64, sizeof(*p));
	if (p == NULL)
		return dp_fail(error, ENOMEM, "dp_capture_start", "capture", "out of memory");
	memset(p, 0, sizeof(*p));
	capture->producers[i] = p;
	capture->n_producers = i + 1;
	/* No more at once than the ring takes. */
	uint64_t burst = pps / 10 < RING_SIZE / 2 ? pps / 10 : RING_SIZE / 2;
	dp_limiters_init(&p->limit, 1, (struct dp_limit){.pps = pps, .burst = burst}, rte_get_tsc_hz(), rte_rdtsc());
	char name[RTE_RING_NAMESIZE];
	snprintf(name, sizeof(name), "capture_%u", i);
	p->ring = rte_ring_create(name, RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (p->ring == NULL)
		return dp_fail(error, rte_errno, "dp_capture_start", "capture", "rte_ring_create: %s",
			       rte_strerror(rte_errno));
	return 0;
}

static int
make(struct dp_capture *capture, const struct dp_machine *m, const struct dp_capture_plan *plan, struct dp_error *error)
{
	uint32_t size = RTE_PKTMBUF_HEADROOM + plan->snaplen + DP_PCAPNG_PACKET_OVERHEAD;
	unsigned copies = POOL_BYTES / size;
	copies = copies < MIN_COPIES ? MIN_COPIES : copies > MAX_COPIES ? MAX_COPIES : copies;
	/* Its ring does not make an lcore wait for a thread that the scheduler has put aside in the middle of it. */
	capture->mempool =
		rte_pktmbuf_pool_create_by_ops("capture", copies, 0, 0, (uint16_t)size, SOCKET_ID_ANY, "ring_mt_rts");
	if (capture->mempool == NULL)
		return dp_fail(error, rte_errno, "dp_capture_start", "capture",
			       "rte_pktmbuf_pool_create: %u copies of %u bytes: %s", copies, size,
			       rte_strerror(rte_errno));
	for (unsigned i = 0; i < m->n_lcores + m->n_threads; i++)
		if (make_producer(capture, i, plan->pps, error) < 0)
			return -1;
	memset(capture->interfaces, DP_NO_INTERFACE, sizeof(capture->interfaces));
	for (unsigned p = 0; p < m->n_ports; p++) {
		if ((plan->ports >> p & 1) == 0)
			continue;
		capture->names[capture->n_interfaces] = m->plan.ports[p].name;
		capture->interfaces[m->ports[p].id] = (uint8_t)capture->n_interfaces++;
	}
	return dp_capture_writer_start(capture, plan, error);
}

static void
destroy(struct dp_capture *capture)
{
	for (unsigned i = 0; i < capture->n_producers; i++) {
		struct rte_mbuf *left;
		struct rte_ring *ring = capture->producers[i]->ring;
		while (ring != NULL && rte_ring_sc_dequeue(ring, (void **)&left) == 0)
			rte_pktmbuf_free(left);
		rte_ring_free(ring);
		free(capture->producers[i]);
	}
	rte_mempool_free(capture->mempool);
	dp_classifier_free(capture->filter);
	free(capture);
}

int
dp_capture_begin(struct dp_machine *m, const struct dp_capture_plan *plan, struct dp_classifier *filter,
		 struct dp_error *error)
{
	if (atomic_load_explicit(&m->capture, memory_order_relaxed) != NULL) {
		dp_classifier_free(filter);
		return dp_fail(error, EBUSY, "dp_capture_start", "capture", "one is under way");
	}
	struct dp_capture *capture = calloc(1, sizeof(*capture));
	if (capture == NULL) {
		dp_classifier_free(filter);
		return dp_fail(error, ENOMEM, "dp_capture_start", "capture", "out of memory");
	}
	*capture = (struct dp_capture){.filter = filter,
				       .points = plan->points,
				       .reasons = plan->reasons,
				       .sample = plan->sample,
				       .snaplen = plan->snaplen};
	if (make(capture, m, plan, error) < 0) {
		destroy(capture);
		return -1;
	}
	atomic_store_explicit(&m->capture, capture, memory_order_release);
	return 0;
}

bool
dp_capture_ended(const struct dp_capture *capture)
{
	return atomic_load_explicit(&capture->ended, memory_order_acquire);
}

bool
dp_capture_is_over(const struct dp_capture *capture)
{
	bool overdue = capture->until_ms != 0 && dp_now_ms() > capture->until_ms + DP_CAPTURE_PATIENCE_MS;
	return overdue || dp_capture_ended(capture);
}

void
dp_capture_end(struct dp_machine *m, unsigned patience_ms, struct dp_capture_result *result)
{
	struct dp_capture *capture =
		(struct dp_capture *)(uintptr_t)atomic_load_explicit(&m->capture, memory_order_relaxed);
	atomic_store_explicit(&m->capture, NULL, memory_order_release);
	bool unused = dp_quiesce(m, true);
	dp_capture_writer_stop(capture, patience_ms);
	*result = (struct dp_capture_result){.written = capture->written, .errnum = capture->errnum};
	for (unsigned i = 0; i < capture->n_producers; i++) {
		const struct dp_capture_producer *p = capture->producers[i];
		result->passed += atomic_load_explicit(&p->passed, memory_order_relaxed);
		result->matched += atomic_load_explicit(&p->matched, memory_order_relaxed);
		result->skipped += atomic_load_explicit(&p->skipped, memory_order_relaxed);
		result->missed += atomic_load_explicit(&p->missed, memory_order_relaxed);
		result->cycles += atomic_load_explicit(&p->cycles, memory_order_relaxed);
	}
	/* Who stands still may still be in the middle of a copy. */
	if (unused)
		destroy(capture);
}
