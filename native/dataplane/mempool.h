/* SPDX-License-Identifier: Apache-2.0 */
/* One mbuf pool per NUMA node, made when the first port of that node asks. Control thread only. */
#ifndef DP_MEMPOOL_H
#define DP_MEMPOOL_H

#include "dataplane.h"

struct rte_mempool;

/* The pool of `numa_node` (any negative node counts as 0); NULL with *error when memory is short. */
struct rte_mempool *dp_mempool_get(const struct dp_plan *plan, int numa_node, struct dp_error *error);
/* Writes each pool's gauges. */
void dp_mempool_refresh(void);
/* Mbufs that are not in their pools. */
unsigned dp_mempool_in_use(void);
void dp_mempool_free_all(void);

#endif
