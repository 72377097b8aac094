/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_AFFINITY_H
#define DP_AFFINITY_H

#include "cpu_list.h"

/*
 * Keeps this process, and so all of node's threads, off the CPUs that will poll: it moves to those of `shared` (the
 * variable OPENSHIFT_SHARED_CPUS, or null) that it may use, else to the lowest CPU it may use. The plan, which knows
 * SMT siblings, isolated CPUs and NUMA nodes, may leave other CPUs for housekeeping and poll on this one: Spillway
 * moves its threads there before any lcore runs. `before` gets the CPUs allowed until then.
 */
void dp_narrow_affinity(const char *shared, struct dp_cpus *before);

#endif
