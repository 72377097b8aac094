/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of CPUs and the kernel's way of writing them: 0-3,8. */
#ifndef DP_CPU_LIST_H
#define DP_CPU_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most a kernel can be built for. */
#define DP_MAX_CPUS 8192
#define DP_CPU_WORDS (DP_MAX_CPUS / 64)
/* 0-1,3-4,6-7 and so on is the longest list: for three CPUs two numbers of at most four digits, a dash and a comma. */
#define DP_CPU_LIST_MAX ((DP_MAX_CPUS / 3 + 1) * 10)

struct dp_cpus {
	uint64_t words[DP_CPU_WORDS];
};

/* False, and nothing is in the set, for whatever is not exactly a list. */
bool dp_cpus_parse(const char *text, struct dp_cpus *cpus);

/* Needs DP_CPU_LIST_MAX bytes. */
void dp_cpus_format(const struct dp_cpus *cpus, char text[DP_CPU_LIST_MAX]);

bool dp_cpus_has(const struct dp_cpus *cpus, unsigned cpu);
void dp_cpus_add(struct dp_cpus *cpus, unsigned cpu);
/* DP_MAX_CPUS when the set is empty. */
unsigned dp_cpus_lowest(const struct dp_cpus *cpus);
void dp_cpus_intersect(struct dp_cpus *cpus, const struct dp_cpus *other);

#endif
