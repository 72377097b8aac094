/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a worker lcore: receive, admit, classify, forward; then what other threads hand over. Run to
 * completion, a burst at a time. No lock, no read-modify-write, no allocation, no log; the only system call is the
 * sleep of an idle lcore on a shared machine.
 */
#include "lcore.h"

#include <sys/prctl.h>

#include <rte_branch_prediction.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "flow_hash.h"
#include "forward.h"
#include "idle.h"
#include "inject.h"
#include "punt_stamp.h"
#include "txonly.h"
#include "vlan.h"

static inline void
capture(const struct dp_rxq *q, enum dp_capture_point point, struct rte_mbuf **pkts, unsigned n)
{
	dp_capture_offer(q->capture, (struct dp_capture_look){.point = point, .port_id = q->port_id}, pkts, n);
}

static void
drop(const struct dp_rxq *q, enum dp_drop_reason reason, struct rte_mbuf **pkts, unsigned n)
{
	if (n == 0)
		return;
	dp_capture_offer(q->capture,
			 (struct dp_capture_look){
				 .point = DP_CAPTURE_DROPPED,
				 .reason = reason,
				 .port_id = q->port_id,
			 },
			 pkts, n);
	dp_count(&q->row->dropped[reason], n);
	rte_pktmbuf_free_bulk(pkts, n);
}

/* The same for what another lcore handed over, counted at the port it came in by. */
static void
drop_inbound(const struct dp_inbound *in, enum dp_drop_reason reason, struct rte_mbuf **pkts, unsigned n)
{
	if (n == 0)
		return;
	dp_capture_offer(
		in->capture,
		(struct dp_capture_look){.point = DP_CAPTURE_DROPPED, .reason = reason, .port_id = in->row_port_id},
		pkts, n);
	dp_count(&in->row->dropped[reason], n);
	rte_pktmbuf_free_bulk(pkts, n);
}

static inline void
transmit(const struct dp_rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	const struct dp_egress *egress = q->egress;
	capture(q, DP_CAPTURE_FORWARDED, pkts, n);
	if (dp_is_paused(egress->paused)) {
		drop(q, DP_DROP_TX_RESET, pkts, n);
	} else if (likely(egress->handover == NULL)) {
		uint16_t sent = rte_eth_tx_burst(egress->port_id, egress->queue_id, pkts, n);
		dp_count(&q->row->forwarded, sent);
		if (unlikely(sent < n))
			drop(q, DP_DROP_TX_FULL, pkts + sent, (unsigned)(n - sent));
	} else {
		unsigned taken = rte_ring_sp_enqueue_burst(egress->handover, (void **)pkts, n, NULL);
		drop(q, DP_DROP_HANDOVER_FULL, pkts + taken, n - taken);
	}
}

static inline void
consume(const struct dp_rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	dp_count(&q->row->consumed, n);
	rte_pktmbuf_free_bulk(pkts, n);
}

static void
echo(const struct dp_rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *replies[DP_MAX_BURST], *others[DP_MAX_BURST];
	uint16_t n_replies = 0, n_others = 0;
	for (uint16_t i = 0; i < n; i++) {
		if (dp_icmp_echo_reply(pkts[i], q->egress->source_mac))
			replies[n_replies++] = pkts[i];
		else
			others[n_others++] = pkts[i];
	}
	if (n_replies > 0)
		transmit(q, replies, n_replies);
	if (n_others > 0)
		consume(q, others, n_others);
}

static inline void
forward(const struct dp_lcore *l, const struct dp_rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	switch (l->mode) {
	case DP_MODE_MAC:
		dp_forward_mac(q->egress, pkts, n);
		break;
	case DP_MODE_MACSWAP:
		dp_forward_macswap(q->egress, pkts, n);
		break;
	case DP_MODE_IO:
		break;
	case DP_MODE_RXONLY:
	case DP_MODE_TXONLY:
		consume(q, pkts, n);
		return;
	case DP_MODE_ICMPECHO:
		echo(q, pkts, n);
		return;
	}
	transmit(q, pkts, n);
}

/* Takes runts and over-long frames out; the rest stays in order. */
static uint16_t
reject_bad_lengths(const struct dp_rxq *q, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *runts[DP_MAX_BURST], *oversize[DP_MAX_BURST];
	uint16_t kept = 0, n_runts = 0, n_oversize = 0;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		if (rte_pktmbuf_pkt_len(m) < RTE_ETHER_HDR_LEN)
			runts[n_runts++] = m;
		else if (rte_pktmbuf_pkt_len(m) > q->max_frame)
			oversize[n_oversize++] = m;
		else
			pkts[kept++] = m;
	}
	drop(q, DP_DROP_RUNT, runts, n_runts);
	drop(q, DP_DROP_OVERSIZE, oversize, n_oversize);
	return kept;
}

/* Four at a time: a packet's length costs a load, and the checks a quarter of their instructions. */
typedef uint32_t lengths_t __attribute__((vector_size(16)));

/*
 * Sees that every frame has a whole Ethernet header and fits the MTU, and sums up their bytes. Drivers fill a packet's
 * first segment before they chain another, so the header is in it. Lengths are in the mbuf that the driver has just
 * written: no new cache line. A length out of bounds sets the sign of one of two differences.
 */
static inline uint16_t
admit(const struct dp_rxq *q, struct rte_mbuf **pkts, uint16_t n, uint64_t *bytes)
{
	const uint32_t longest = q->max_frame;
	lengths_t signs4 = {0}, sum4 = {0};
	unsigned i = 0;
	for (; i + 4 <= n; i += 4) {
		lengths_t lengths = {rte_pktmbuf_pkt_len(pkts[i]), rte_pktmbuf_pkt_len(pkts[i + 1]),
				     rte_pktmbuf_pkt_len(pkts[i + 2]), rte_pktmbuf_pkt_len(pkts[i + 3])};
		signs4 |= (lengths - RTE_ETHER_HDR_LEN) | (longest - lengths);
		sum4 += lengths;
	}
	uint32_t signs = signs4[0] | signs4[1] | signs4[2] | signs4[3], sum = sum4[0] + sum4[1] + sum4[2] + sum4[3];
	for (; i < n; i++) {
		uint32_t length = rte_pktmbuf_pkt_len(pkts[i]);
		signs |= (length - RTE_ETHER_HDR_LEN) | (longest - length);
		sum += length;
	}
	*bytes = sum;
	if (likely((int32_t)signs >= 0))
		return n;
	n = reject_bad_lengths(q, pkts, n);
	*bytes = 0;
	for (i = 0; i < n; i++)
		*bytes += rte_pktmbuf_pkt_len(pkts[i]);
	return n;
}

/* Packets of one burst that go the same way. */
struct heap {
	uint16_t n;
	struct rte_mbuf *pkts[DP_MAX_BURST];
};

static inline void
heap_add(struct heap *heap, struct rte_mbuf **pkts, uint16_t n)
{
	memcpy(heap->pkts + heap->n, pkts, n * sizeof(pkts[0]));
	heap->n = (uint16_t)(heap->n + n);
}

/* Packets of one burst by where they go; those to forward stay where they are. */
struct sorted {
	uint16_t n_forward;
	struct heap rule_drop, limited, truncated, no_path;
	struct heap kernel[DP_CLASS_COUNT];
};

static inline void
count_rule(const struct dp_rules *rules, unsigned lcore, uint16_t rule, uint64_t packets, uint64_t bytes)
{
	dp_count(&rules->rows[lcore][rule].packets, packets);
	dp_count(&rules->rows[lcore][rule].bytes, bytes);
}

/* How many of `n` packets the rule's limit lets pass. Reads the clock at most once a burst. */
static inline uint16_t
within_limit(const struct dp_rules *rules, unsigned lcore, uint16_t rule, uint16_t n, uint64_t *now)
{
	struct dp_limiter *limiter = &rules->limiters[rule][lcore];
	if (*now == 0)
		*now = rte_rdtsc();
	dp_limiter_begin(limiter, *now);
	uint16_t taken = 0;
	while (taken < n && dp_limiter_take(limiter, 0))
		taken++;
	return taken;
}

/* Sorts a run of packets that one rule has taken. */
static inline void
sort_run(const struct dp_lcore *l, const struct dp_rxq *q, const struct dp_rules *rules, uint16_t rule,
	 struct rte_mbuf **run, uint16_t n, struct rte_mbuf **pkts, struct sorted *to, uint64_t *now)
{
	struct dp_action action = rules->actions[rule];
	if (action.verdict == DP_VERDICT_FORWARD) {
		memmove(pkts + to->n_forward, run, n * sizeof(run[0]));
		to->n_forward = (uint16_t)(to->n_forward + n);
		return;
	}
	if (action.verdict == DP_VERDICT_DROP || !q->kernel_path) {
		heap_add(action.verdict == DP_VERDICT_DROP ? &to->rule_drop : &to->no_path, run, n);
		return;
	}
	uint16_t passed = action.limited ? within_limit(rules, l->index, rule, n, now) : n;
	/* The exception thread goes by it, and not every driver sets it. */
	for (uint16_t i = 0; i < passed; i++)
		run[i]->port = q->port_id;
	heap_add(&to->kernel[action.klass], run, passed);
	heap_add(&to->limited, run + passed, (uint16_t)(n - passed));
}

/* Sorts a burst by verdict and counts rules, a run of equal indices at a time. Packets to forward stay in `pkts`. */
static void
sort_burst(const struct dp_lcore *l, const struct dp_rxq *q, const struct dp_rules *rules, struct rte_mbuf **pkts,
	   const uint16_t *index, uint16_t n, struct sorted *to)
{
	uint64_t now = 0;
	for (uint16_t i = 0; i < n;) {
		uint16_t rule = index[i], first = i;
		uint64_t bytes = 0;
		for (; i < n && index[i] == rule; i++)
			bytes += rte_pktmbuf_pkt_len(pkts[i]);
		uint16_t length = (uint16_t)(i - first);
		if (unlikely(rule == DP_CLASSIFY_TRUNCATED)) {
			heap_add(&to->truncated, pkts + first, length);
			continue;
		}
		count_rule(rules, l->index, rule, length, bytes);
		sort_run(l, q, rules, rule, pkts + first, length, pkts, to, &now);
	}
}

static void
enqueue_punted(const struct dp_rxq *q, struct rte_ring *ring, struct rte_mbuf **pkts, unsigned n)
{
	unsigned taken = rte_ring_sp_enqueue_burst(ring, (void **)pkts, n, NULL);
	drop(q, DP_DROP_EXCEPTION_RING_FULL, pkts + taken, n - taken);
}

/* Packets of one class to the port's exception queues, each flow's to one and in order. */
static void
punt(struct dp_rxq *q, enum dp_class klass, struct rte_mbuf **pkts, unsigned n)
{
	dp_stamp_sample(pkts, n, &q->until_stamp[klass]);
	if (q->n_exception == 1) {
		enqueue_punted(q, q->exception[0][klass], pkts, n);
		return;
	}
	struct heap own[DP_MAX_EXCEPTION_THREADS];
	for (unsigned queue = 0; queue < DP_MAX_EXCEPTION_THREADS; queue++)
		own[queue].n = 0;
	for (unsigned i = 0; i < n; i++) {
		struct heap *heap = &own[dp_flow_queue(pkts[i], q->n_exception)];
		heap->pkts[heap->n++] = pkts[i];
	}
	for (unsigned queue = 0; queue < q->n_exception; queue++)
		if (own[queue].n > 0)
			enqueue_punted(q, q->exception[queue][klass], own[queue].pkts, own[queue].n);
}

/* Does what the rules say with a burst that is not all for the default; returns how many are left to forward. */
static uint16_t __attribute__((noinline))
dispatch(const struct dp_lcore *l, struct dp_rxq *q, const struct dp_rules *rules, struct rte_mbuf **pkts,
	 const uint16_t *index, uint16_t n)
{
	struct sorted to;
	to.n_forward = to.rule_drop.n = to.limited.n = to.truncated.n = to.no_path.n = 0;
	for (unsigned c = 0; c < DP_CLASS_COUNT; c++)
		to.kernel[c].n = 0;
	sort_burst(l, q, rules, pkts, index, n, &to);
	drop(q, DP_DROP_RULE, to.rule_drop.pkts, to.rule_drop.n);
	drop(q, DP_DROP_RULE_LIMIT, to.limited.pkts, to.limited.n);
	drop(q, DP_DROP_TRUNCATED, to.truncated.pkts, to.truncated.n);
	drop(q, DP_DROP_NO_KERNEL_PATH, to.no_path.pkts, to.no_path.n);
	for (unsigned c = 0; c < DP_CLASS_COUNT; c++)
		if (to.kernel[c].n > 0)
			punt(q, (enum dp_class)c, to.kernel[c].pkts, to.kernel[c].n);
	return to.n_forward;
}

/* The packets of a burst that go on to forwarding. */
static inline uint16_t
apply_rules(const struct dp_lcore *l, struct dp_rxq *q, const struct dp_rules *rules, struct rte_mbuf **pkts,
	    uint16_t n, uint64_t bytes)
{
	uint16_t index[DP_MAX_BURST];
	uint16_t others = 0;
	if (rules->classifier != NULL) {
		dp_classify_burst(rules->classifier, pkts, n, index);
		for (uint16_t i = 0; i < n; i++)
			others |= index[i] ^ rules->default_index;
	}
	if (likely(others == 0 && rules->default_forwards)) {
		count_rule(rules, l->index, rules->default_index, n, bytes);
		return n;
	}
	if (rules->classifier == NULL)
		for (uint16_t i = 0; i < n; i++)
			index[i] = rules->default_index;
	return dispatch(l, q, rules, pkts, index, n);
}

static void
restore_vlan_tags(struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		dp_vlan_restore(pkts[i]);
}

static inline uint16_t
poll_rxq(struct dp_lcore *l, struct dp_rxq *q, const struct dp_rules *rules)
{
	struct rte_mbuf *pkts[DP_MAX_BURST];
	if (dp_is_paused(q->paused))
		return 0;
	uint16_t received = rte_eth_rx_burst(q->port_id, q->queue_id, pkts, l->burst);
	if (received == 0)
		return 0;
	dp_count(&q->row->rx_packets, received);
	dp_count(&l->row->bursts[received == 1 ? 0 : 32 - __builtin_clz(received - 1u)], 1);
	if (unlikely(q->restore_vlan))
		restore_vlan_tags(pkts, received);
	capture(q, DP_CAPTURE_RECEIVED, pkts, received);
	uint64_t bytes;
	uint16_t n = admit(q, pkts, received, &bytes);
	n = apply_rules(l, q, rules, pkts, n, bytes);
	if (n > 0)
		forward(l, q, pkts, n);
	return received;
}

static uint16_t
poll_inbound(struct dp_inbound *in, bool stopping)
{
	struct rte_mbuf *pkts[DP_MAX_BURST];
	bool paused = dp_is_paused(in->paused);
	/* They wait for the port, unless it is too late for that. */
	if (paused && !stopping)
		return 0;
	uint16_t n = (uint16_t)rte_ring_sc_dequeue_burst(in->ring, (void **)pkts, 32, NULL);
	if (n == 0)
		return 0;
	if (paused) {
		if (in->inject)
			dp_inject_drop(in->row, in->capture, in->port_id, pkts, n, &in->broken);
		else
			drop_inbound(in, DP_DROP_TX_RESET, pkts, n);
		return n;
	}
	if (in->inject) {
		dp_inject_transmit(in->row, in->capture, in->port_id, in->queue_id, pkts, n, &in->broken);
		return n;
	}
	uint16_t sent = rte_eth_tx_burst(in->port_id, in->queue_id, pkts, n);
	dp_count(&in->row->forwarded, sent);
	drop_inbound(in, DP_DROP_TX_FULL, pkts + sent, (unsigned)(n - sent));
	return n;
}

static uint32_t
turn(struct dp_lcore *l, const struct dp_rules *rules, bool stopping, struct dp_generator *generators)
{
	uint32_t moved = 0;
	if (likely(rules != NULL)) {
		for (unsigned i = 0; i < l->n_rxqs; i++) {
			moved += poll_rxq(l, &l->rxqs[i], rules);
			if (l->mode == DP_MODE_TXONLY)
				moved += dp_generate(&generators[i], l, &l->rxqs[i]);
		}
	}
	for (unsigned i = 0; i < l->n_inbounds; i++)
		moved += poll_inbound(&l->inbounds[i], stopping);
	return moved;
}

static void
rest(const struct dp_lcore *l, const struct dp_load *load)
{
	long ns = l->sleep_when_idle ? dp_load_sleep_ns(load) : 0;
	if (ns == 0)
		rte_pause();
	else
		nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

int
dp_lcore_main(void *arg)
{
	struct dp_lcore *l = arg;
	struct dp_generator generators[DP_MAX_PORTS];
	memset(generators, 0, sizeof(generators));
	struct dp_load load;
	dp_load_init(&load, &l->row->busy_cycles, &l->row->idle_cycles);
	if (l->sleep_when_idle)
		prctl(PR_SET_TIMERSLACK, 1);

	for (;;) {
		uint64_t epoch = atomic_load_explicit(l->epoch, memory_order_acquire);
		enum dp_phase phase = atomic_load_explicit(&l->phase, memory_order_acquire);
		const struct dp_rules *rules = atomic_load_explicit(&l->rules, memory_order_acquire);
		uint64_t begin = dp_load_begin(&load);
		uint32_t moved = turn(l, phase == DP_PHASE_RUN ? rules : NULL, phase != DP_PHASE_RUN, generators);
		dp_load_end(&load, begin, moved > 0);
		dp_count(&l->row->polls, 1);
		atomic_store_explicit(&l->seen_epoch, epoch, memory_order_release);
		if (moved > 0)
			continue;
		dp_count(&l->row->empty_polls, 1);
		if (phase != DP_PHASE_RUN)
			atomic_store_explicit(&l->drained, true, memory_order_release);
		if (phase == DP_PHASE_STOP)
			break;
		rest(l, &load);
	}
	for (unsigned i = 0; i < l->n_rxqs; i++)
		dp_generate_end(&generators[i]);
	atomic_store_explicit(&l->finished, true, memory_order_release);
	return 0;
}
