/* SPDX-License-Identifier: Apache-2.0 */
#include "mempool.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "counters.h"
#include "error.h"

struct pool {
	struct rte_mempool *mempool;
	struct dp_mempool_row *row;
};

static struct pool pools[RTE_MAX_NUMA_NODES];

/* net_null hands out mbufs without writing a frame; what stands in them is put there once, before the ports start. */
static void
prefill(struct rte_mempool *mempool, void *opaque, void *object, unsigned index)
{
	const struct dp_plan *plan = opaque;
	struct rte_mbuf *m = object;
	memcpy((uint8_t *)m->buf_addr + RTE_PKTMBUF_HEADROOM, plan->prefill, plan->prefill_len);
}

struct rte_mempool *
dp_mempool_get(const struct dp_plan *plan, int numa_node, struct dp_error *error)
{
	if (numa_node < 0 || numa_node >= RTE_MAX_NUMA_NODES)
		numa_node = 0;
	struct pool *pool = &pools[numa_node];
	if (pool->mempool != NULL)
		return pool->mempool;
	char name[RTE_MEMPOOL_NAMESIZE];
	snprintf(name, sizeof(name), "mbufs%d", numa_node);
	struct rte_mempool *mempool =
		rte_pktmbuf_pool_create(name, plan->mbufs, plan->mbuf_cache, 0, plan->data_room, numa_node);
	if (mempool == NULL) {
		dp_fail(error, rte_errno, "rte_pktmbuf_pool_create", name, "%u mbufs of %u bytes on NUMA node %d: %s",
			plan->mbufs, plan->data_room, numa_node, rte_strerror(rte_errno));
		return NULL;
	}
	if (plan->prefill != NULL)
		rte_mempool_obj_iter(mempool, prefill, (void *)(uintptr_t)plan);
	pool->row = dp_counters_add_mempool(numa_node);
	if (pool->row == NULL) {
		dp_fail(error, ENOSPC, "dp_counters_add_mempool", "counter file", "too small");
		rte_mempool_free(mempool);
		return NULL;
	}
	pool->mempool = mempool;
	return mempool;
}

void
dp_mempool_refresh(void)
{
	for (unsigned i = 0; i < RTE_MAX_NUMA_NODES; i++) {
		if (pools[i].mempool == NULL)
			continue;
		dp_set(&pools[i].row->mbufs, pools[i].mempool->size);
		dp_set(&pools[i].row->in_use, rte_mempool_in_use_count(pools[i].mempool));
	}
}

unsigned
dp_mempool_in_use(void)
{
	unsigned in_use = 0;
	for (unsigned i = 0; i < RTE_MAX_NUMA_NODES; i++)
		if (pools[i].mempool != NULL)
			in_use += rte_mempool_in_use_count(pools[i].mempool);
	return in_use;
}

void
dp_mempool_free_all(void)
{
	for (unsigned i = 0; i < RTE_MAX_NUMA_NODES; i++) {
		rte_mempool_free(pools[i].mempool);
		pools[i] = (struct pool){0};
	}
}
