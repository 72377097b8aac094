/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu_list.h"

#include <stdio.h>
#include <string.h>

bool
dp_cpus_has(const struct dp_cpus *cpus, unsigned cpu)
{
	return cpu < DP_MAX_CPUS && (cpus->words[cpu / 64] >> (cpu % 64) & 1);
}

void
dp_cpus_add(struct dp_cpus *cpus, unsigned cpu)
{
	cpus->words[cpu / 64] |= UINT64_C(1) << (cpu % 64);
}

unsigned
dp_cpus_lowest(const struct dp_cpus *cpus)
{
	unsigned cpu = 0;
	while (cpu < DP_MAX_CPUS && !dp_cpus_has(cpus, cpu))
		cpu++;
	return cpu;
}

void
dp_cpus_intersect(struct dp_cpus *cpus, const struct dp_cpus *other)
{
	for (unsigned i = 0; i < DP_CPU_WORDS; i++)
		cpus->words[i] &= other->words[i];
}

/* Digits and nothing else: strtoul would take blanks and signs. Moves *text behind them. */
static bool
parse_cpu(const char **text, unsigned *cpu)
{
	const char *start = *text;
	*cpu = 0;
	while (**text >= '0' && **text <= '9' && *cpu < DP_MAX_CPUS)
		*cpu = *cpu * 10 + (unsigned)(*(*text)++ - '0');
	return *text > start && *cpu < DP_MAX_CPUS;
}

static bool
parse_range(const char **text, struct dp_cpus *cpus)
{
	unsigned first, last;
	if (!parse_cpu(text, &first))
		return false;
	last = first;
	if (**text == '-') {
		(*text)++;
		if (!parse_cpu(text, &last) || last < first)
			return false;
	}
	for (unsigned cpu = first; cpu <= last; cpu++)
		dp_cpus_add(cpus, cpu);
	return true;
}

bool
dp_cpus_parse(const char *text, struct dp_cpus *cpus)
{
	memset(cpus, 0, sizeof(*cpus));
	bool good = parse_range(&text, cpus);
	while (good && *text == ',') {
		text++;
		good = parse_range(&text, cpus);
	}
	if (good && *text == '\0')
		return true;
	memset(cpus, 0, sizeof(*cpus));
	return false;
}

/* Behind what is in the list already. Returns the bytes added; 0, and nothing is added, when there is no room. */
static size_t
format_range(char *end, size_t room, unsigned first, unsigned last, bool behind)
{
	const char *comma = behind ? "," : "";
	int needed = last > first ? snprintf(end, room, "%s%u-%u", comma, first, last)
				  : snprintf(end, room, "%s%u", comma, first);
	if (needed >= 0 && (size_t)needed < room)
		return (size_t)needed;
	end[0] = '\0';
	return 0;
}

void
dp_cpus_format(const struct dp_cpus *cpus, char text[DP_CPU_LIST_MAX])
{
	size_t length = 0;
	text[0] = '\0';
	for (unsigned first = 0; first < DP_MAX_CPUS; first++) {
		if (!dp_cpus_has(cpus, first))
			continue;
		unsigned last = first;
		while (dp_cpus_has(cpus, last + 1))
			last++;
		size_t added = format_range(text + length, DP_CPU_LIST_MAX - length, first, last, length > 0);
		if (added == 0)
			return;
		length += added;
		first = last;
	}
}
