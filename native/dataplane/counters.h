/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counter file: rows of 64-bit slots in shared memory, read by the supervisor with pread. One writer per row,
 * so a count is a plain load, add and store; fetch_add would be a locked instruction.
 */
#ifndef DP_COUNTERS_H
#define DP_COUNTERS_H

#include <stdatomic.h>

#include "dataplane.h"

typedef _Atomic uint64_t dp_slot_t;

static inline void
dp_count(dp_slot_t *slot, uint64_t n)
{
	atomic_store_explicit(slot, atomic_load_explicit(slot, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void
dp_set(dp_slot_t *slot, uint64_t value)
{
	atomic_store_explicit(slot, value, memory_order_relaxed);
}

enum dp_drop_reason {
#define DP_DROP_REASON(id, name, help) DP_DROP_##id,
#include "counters.def"
	DP_DROP_COUNT
};

/* Bursts by size: slot i counts bursts of more than 2^(i-1) and at most 2^i packets. */
#define DP_BURST_SLOTS 9

/*
 * Frames by length without FCS: at most 64, 127, 255, 511, 1023, 1522 bytes, and longer; the classes of RFC 2819 as
 * vhost and virtio count them.
 */
#define DP_SIZE_SLOTS 7

static inline unsigned
dp_size_slot(uint32_t bytes)
{
	if (bytes <= 64)
		return 0;
	if (bytes > 1023)
		return bytes <= 1522 ? DP_SIZE_SLOTS - 2 : DP_SIZE_SLOTS - 1;
	return 26u - (unsigned)__builtin_clz(bytes);
}

/* Time in Spillway: slot i counts what took at most 2^i microseconds, the last one what took longer than 2^19. */
#define DP_LATENCY_SLOTS 21

static inline unsigned
dp_latency_slot(uint64_t ns)
{
	uint64_t us = (ns + 999) / 1000;
	unsigned slot = us <= 1 ? 0 : 64u - (unsigned)__builtin_clzll(us - 1);
	return slot < DP_LATENCY_SLOTS ? slot : DP_LATENCY_SLOTS - 1;
}

struct dp_lcore_row {
#define DP_LCORE_COUNTER(field, name, help) dp_slot_t field;
#include "counters.def"
	dp_slot_t bursts[DP_BURST_SLOTS];
} __attribute__((aligned(64)));

struct dp_thread_row {
#define DP_THREAD_COUNTER(field, name, help) dp_slot_t field;
#include "counters.def"
	dp_slot_t queued[DP_CLASS_COUNT];
} __attribute__((aligned(64)));

struct dp_flow_row {
#define DP_FLOW_COUNTER(field, name, help) dp_slot_t field;
#include "counters.def"
	dp_slot_t punted[DP_CLASS_COUNT];
	dp_slot_t punted_bytes[DP_CLASS_COUNT];
	dp_slot_t punted_sizes[DP_SIZE_SLOTS];
	dp_slot_t tap_rx_sizes[DP_SIZE_SLOTS];
	dp_slot_t dropped[DP_DROP_COUNT];
} __attribute__((aligned(64)));

struct dp_latency_row {
	dp_slot_t packets[DP_CLASS_COUNT][DP_LATENCY_SLOTS];
	dp_slot_t ns[DP_CLASS_COUNT];
} __attribute__((aligned(64)));

struct dp_port_row {
#define DP_PORT_COUNTER(field, name, help) dp_slot_t field;
#define DP_PORT_GAUGE(field, name, help) dp_slot_t field;
#include "counters.def"
} __attribute__((aligned(64)));

struct dp_tap_row {
#define DP_TAP_COUNTER(field, name, help) dp_slot_t field;
#define DP_TAP_GAUGE(field, name, help) dp_slot_t field;
#include "counters.def"
} __attribute__((aligned(64)));

struct dp_vhost_worker_row {
#define DP_VHOST_WORKER_COUNTER(field, name, help) dp_slot_t field;
#include "counters.def"
} __attribute__((aligned(64)));

struct dp_neighbour_row {
#define DP_NEIGHBOUR_COUNTER(field, name, help) dp_slot_t field;
#define DP_NEIGHBOUR_GAUGE(field, name, help) dp_slot_t field;
#include "counters.def"
} __attribute__((aligned(64)));

struct dp_mempool_row {
	dp_slot_t mbufs;
	dp_slot_t in_use;
} __attribute__((aligned(64)));

struct dp_rule_row {
	dp_slot_t packets;
	dp_slot_t bytes;
};

/* Maps the file. Returns 0, or -1 with *error. */
int dp_counters_map(int fd, struct dp_error *error);
void dp_counters_unmap(void);

/* Hand out zeroed rows and put them into the layout; NULL when the file is too small. Control thread, before launch. */
struct dp_lcore_row *dp_counters_add_lcore(unsigned lcore_id);
struct dp_thread_row *dp_counters_add_thread(unsigned thread);
/* `owner` is "lcore=N" or "thread=N"; `queue` < 0 leaves out what only a receive queue's owner counts. */
struct dp_flow_row *dp_counters_add_flow(const char *port, const char *owner, int queue, bool exception);
struct dp_latency_row *dp_counters_add_latency(const char *port, unsigned thread);
struct dp_port_row *dp_counters_add_port(const char *port);
struct dp_tap_row *dp_counters_add_tap(const char *port, const char *tap);
struct dp_vhost_worker_row *dp_counters_add_vhost_worker(const char *port, unsigned queue);
struct dp_neighbour_row *dp_counters_add_neighbour(const char *port);
struct dp_mempool_row *dp_counters_add_mempool(int numa_node);

/*
 * Starts a new generation of rule rows: one array of `n` rows per lcore, in the half of the remaining file that
 * the generation before does not use, so that its last values stay readable. `rows[i]` is lcore i's array.
 */
int dp_counters_new_rules(const struct dp_rule *rules, unsigned n, unsigned n_lcores, const unsigned *lcore_ids,
			  struct dp_rule_row **rows, struct dp_error *error);
/* The swap that the rows were made for happened: they are the layout now. */
void dp_counters_commit_rules(void);
struct dp_layout dp_counters_layout(void);

#endif
