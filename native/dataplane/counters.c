/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "error.h"

static const char *const drop_names[] = {
#define DP_DROP_REASON(id, name, help) name,
#include "counters.def"
};

const char *const *
dp_drop_reasons(unsigned *n)
{
	*n = DP_DROP_COUNT;
	return drop_names;
}

static const char *const size_names[DP_SIZE_SLOTS] = {"64", "127", "255", "511", "1023", "1522", "+Inf"};

static const char *const class_names[] = {"control", "local", "other"};

struct slot_list {
	struct dp_slot *slots;
	unsigned n;
	unsigned capacity;
};

/* The one counter file of the process; written by the control thread only. */
static struct {
	uint8_t *base;
	size_t size;
	size_t used; /* bytes of fixed rows */
	uint32_t generation;
	struct slot_list fixed;
	struct slot_list rules;	  /* of the generation in force */
	struct slot_list pending; /* of the generation that is being swapped in */
	struct slot_list all;	  /* fixed and rules, as handed out */
} file;

int
dp_counters_map(int fd, struct dp_error *error)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return dp_fail(error, errno, "fstat", "counter file", "descriptor %d", fd);
	void *base = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return dp_fail(error, errno, "mmap", "counter file", "%lld bytes", (long long)st.st_size);
	file.base = base;
	file.size = (size_t)st.st_size;
	file.used = 0;
	return 0;
}

static void
list_free(struct slot_list *list)
{
	free(list->slots);
	memset(list, 0, sizeof(*list));
}

void
dp_counters_unmap(void)
{
	if (file.base != NULL)
		munmap(file.base, file.size);
	list_free(&file.fixed);
	list_free(&file.rules);
	list_free(&file.pending);
	list_free(&file.all);
	memset(&file, 0, sizeof(file));
}

static void *
take_row(size_t size)
{
	size = (size + 63) & ~(size_t)63;
	if (file.base == NULL || file.used + size > file.size)
		return NULL;
	void *row = file.base + file.used;
	file.used += size;
	memset(row, 0, size);
	return row;
}

__attribute__((format(printf, 5, 6))) static bool
publish(struct slot_list *list, const char *name, const dp_slot_t *slot, bool gauge, const char *labels, ...)
{
	if (list->n == list->capacity) {
		unsigned capacity = list->capacity == 0 ? 256 : list->capacity * 2;
		struct dp_slot *slots = realloc(list->slots, capacity * sizeof(*slots));
		if (slots == NULL)
			return false;
		list->slots = slots;
		list->capacity = capacity;
	}
	struct dp_slot *entry = &list->slots[list->n++];
	entry->name = name;
	entry->index = (uint32_t)((const uint8_t *)slot - file.base) / sizeof(uint64_t);
	entry->gauge = gauge;
	va_list args;
	va_start(args, labels);
	vsnprintf(entry->labels, sizeof(entry->labels), labels, args);
	va_end(args);
	return true;
}

struct dp_lcore_row *
dp_counters_add_lcore(unsigned lcore_id)
{
	struct dp_lcore_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = true;
#define DP_LCORE_COUNTER(field, name, help) ok &= publish(&file.fixed, name, &row->field, false, "lcore=%u", lcore_id);
#include "counters.def"
	for (unsigned i = 0; i < DP_BURST_SLOTS; i++)
		ok &= publish(&file.fixed, "lcore_bursts", &row->bursts[i], false, "lcore=%u,size=%u", lcore_id,
			      1u << i);
	return ok ? row : NULL;
}

struct dp_thread_row *
dp_counters_add_thread(unsigned thread)
{
	struct dp_thread_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = true;
#define DP_THREAD_COUNTER(field, name, help) ok &= publish(&file.fixed, name, &row->field, false, "thread=%u", thread);
#include "counters.def"
	for (unsigned c = 0; c < DP_CLASS_COUNT; c++)
		ok &= publish(&file.fixed, "exception_queued", &row->queued[c], true, "thread=%u,class=%s", thread,
			      class_names[c]);
	return ok ? row : NULL;
}

struct dp_flow_row *
dp_counters_add_flow(const char *port, const char *owner, int queue, bool exception)
{
	struct dp_flow_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = true;
	struct slot_list *list = &file.fixed;
	if (queue >= 0)
		ok &= publish(list, "rx_packets", &row->rx_packets, false, "port=%s,queue=%d,%s", port, queue, owner);
	if (exception) {
		ok &= publish(list, "punted_merged_packets", &row->punted_merged, false, "port=%s,%s", port, owner);
		ok &= publish(list, "tap_rx_frames", &row->tap_rx_frames, false, "port=%s,%s", port, owner);
		ok &= publish(list, "tap_rx_bytes", &row->tap_rx_bytes, false, "port=%s,%s", port, owner);
		for (unsigned s = 0; s < DP_SIZE_SLOTS; s++) {
			ok &= publish(list, "punted_sizes", &row->punted_sizes[s], false, "port=%s,size=%s,%s", port,
				      size_names[s], owner);
			ok &= publish(list, "tap_rx_sizes", &row->tap_rx_sizes[s], false, "port=%s,size=%s,%s", port,
				      size_names[s], owner);
		}
		for (unsigned c = 0; c < DP_CLASS_COUNT; c++) {
			ok &= publish(list, "punted_packets", &row->punted[c], false, "port=%s,class=%s,%s", port,
				      class_names[c], owner);
			ok &= publish(list, "punted_bytes", &row->punted_bytes[c], false, "port=%s,class=%s,%s", port,
				      class_names[c], owner);
		}
	} else {
		ok &= publish(list, "forwarded_packets", &row->forwarded, false, "port=%s,%s", port, owner);
		ok &= publish(list, "consumed_packets", &row->consumed, false, "port=%s,%s", port, owner);
		ok &= publish(list, "generated_packets", &row->generated, false, "port=%s,%s", port, owner);
	}
	ok &= publish(list, "injected_frames", &row->injected_frames, false, "port=%s,%s", port, owner);
	ok &= publish(list, "injected_segments", &row->injected_segments, false, "port=%s,%s", port, owner);
	for (unsigned r = 0; r < DP_DROP_COUNT; r++)
		ok &= publish(list, "dropped_packets", &row->dropped[r], false, "port=%s,reason=%s,%s", port,
			      drop_names[r], owner);
	return ok ? row : NULL;
}

static bool
publish_latency(const struct dp_latency_row *row, enum dp_class klass, const char *port, unsigned thread)
{
	bool ok = publish(&file.fixed, "punt_latency_ns", &row->ns[klass], false, "port=%s,class=%s,thread=%u", port,
			  class_names[klass], thread);
	for (unsigned slot = 0; slot < DP_LATENCY_SLOTS; slot++) {
		char size[16] = "+Inf";
		if (slot < DP_LATENCY_SLOTS - 1)
			snprintf(size, sizeof(size), "%u", 1u << slot);
		ok &= publish(&file.fixed, "punt_latency", &row->packets[klass][slot], false,
			      "port=%s,class=%s,size=%s,thread=%u", port, class_names[klass], size, thread);
	}
	return ok;
}

struct dp_latency_row *
dp_counters_add_latency(const char *port, unsigned thread)
{
	struct dp_latency_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = true;
	for (unsigned c = 0; c < DP_CLASS_COUNT; c++)
		ok &= publish_latency(row, (enum dp_class)c, port, thread);
	return ok ? row : NULL;
}

struct dp_port_row *
dp_counters_add_port(const char *port)
{
	struct dp_port_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = true;
#define DP_PORT_COUNTER(field, name, help) ok &= publish(&file.fixed, name, &row->field, false, "port=%s", port);
#define DP_PORT_GAUGE(field, name, help) ok &= publish(&file.fixed, name, &row->field, true, "port=%s", port);
#include "counters.def"
	return ok ? row : NULL;
}

struct dp_tap_row *
dp_counters_add_tap(const char *port, const char *tap)
{
	struct dp_tap_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = true;
#define DP_TAP_COUNTER(field, name, help) \
	ok &= publish(&file.fixed, name, &row->field, false, "port=%s,tap=%s", port, tap);
#define DP_TAP_GAUGE(field, name, help) \
	ok &= publish(&file.fixed, name, &row->field, true, "port=%s,tap=%s", port, tap);
#include "counters.def"
	return ok ? row : NULL;
}

struct dp_vhost_worker_row *
dp_counters_add_vhost_worker(const char *port, unsigned queue)
{
	struct dp_vhost_worker_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = true;
#define DP_VHOST_WORKER_COUNTER(field, name, help) \
	ok &= publish(&file.fixed, name, &row->field, false, "port=%s,queue=%u", port, queue);
#include "counters.def"
	return ok ? row : NULL;
}

struct dp_neighbour_row *
dp_counters_add_neighbour(const char *port)
{
	struct dp_neighbour_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = true;
#define DP_NEIGHBOUR_COUNTER(field, name, help) ok &= publish(&file.fixed, name, &row->field, false, "port=%s", port);
#define DP_NEIGHBOUR_GAUGE(field, name, help) ok &= publish(&file.fixed, name, &row->field, true, "port=%s", port);
#include "counters.def"
	return ok ? row : NULL;
}

struct dp_mempool_row *
dp_counters_add_mempool(int numa_node)
{
	struct dp_mempool_row *row = take_row(sizeof(*row));
	if (row == NULL)
		return NULL;
	bool ok = publish(&file.fixed, "mempool_mbufs", &row->mbufs, true, "numa_node=%d", numa_node);
	ok &= publish(&file.fixed, "mempool_mbufs_in_use", &row->in_use, true, "numa_node=%d", numa_node);
	return ok ? row : NULL;
}

int
dp_counters_new_rules(const struct dp_rule *rules, unsigned n, unsigned n_lcores, const unsigned *lcore_ids,
		      struct dp_rule_row **rows, struct dp_error *error)
{
	size_t half = ((file.size - file.used) / 2) & ~(size_t)63;
	size_t per_lcore = (n * sizeof(struct dp_rule_row) + 63) & ~(size_t)63;
	if (per_lcore * n_lcores > half)
		return dp_fail(error, ENOSPC, "dp_swap_rules", "counter file",
			       "%u rules on %u lcores need %zu bytes, %zu are free", n, n_lcores, per_lcore * n_lcores,
			       half);
	uint8_t *bank = file.base + file.used + ((file.generation + 1) % 2) * half;
	memset(bank, 0, per_lcore * n_lcores);
	file.pending.n = 0;
	for (unsigned l = 0; l < n_lcores; l++) {
		rows[l] = (struct dp_rule_row *)(bank + l * per_lcore);
		for (unsigned r = 0; r < n; r++) {
			if (!publish(&file.pending, "rule_packets", &rows[l][r].packets, false, "rule=%s,lcore=%u",
				     rules[r].name, lcore_ids[l]) ||
			    !publish(&file.pending, "rule_bytes", &rows[l][r].bytes, false, "rule=%s,lcore=%u",
				     rules[r].name, lcore_ids[l]))
				return dp_fail(error, ENOMEM, "dp_swap_rules", "counter layout", "out of memory");
		}
	}
	unsigned total = file.fixed.n + file.pending.n;
	if (total > file.all.capacity) {
		struct dp_slot *slots = realloc(file.all.slots, total * sizeof(*slots));
		if (slots == NULL)
			return dp_fail(error, ENOMEM, "dp_swap_rules", "counter layout", "out of memory");
		file.all.slots = slots;
		file.all.capacity = total;
	}
	return 0;
}

void
dp_counters_commit_rules(void)
{
	struct slot_list old = file.rules;
	file.rules = file.pending;
	file.pending = old;
	file.generation++;
	memcpy(file.all.slots, file.fixed.slots, file.fixed.n * sizeof(struct dp_slot));
	memcpy(file.all.slots + file.fixed.n, file.rules.slots, file.rules.n * sizeof(struct dp_slot));
	file.all.n = file.fixed.n + file.rules.n;
}

struct dp_layout
dp_counters_layout(void)
{
	const struct slot_list *list = file.generation == 0 ? &file.fixed : &file.all;
	return (struct dp_layout){.generation = file.generation, .n_slots = list->n, .slots = list->slots};
}
