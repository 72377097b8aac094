/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
dp_answer_line(const char *format, ...)
{
	char line[2048];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	puts(line);
}

void
dp_answer_refused(const struct dp_rule_source *rules, unsigned n, const struct dp_error *error)
{
	int index = -1;
	for (unsigned i = 0; i < n && index < 0; i++)
		if (strncmp(rules[i].name, error->subject, sizeof(error->subject) - 1) == 0)
			index = (int)i;
	dp_answer_line("refused %d %s: %s", index, error->call, error->message);
}

void
dp_answer_proof(const struct dp_proof *proof, unsigned n)
{
	const struct dp_classifier_info *info = &proof->info;
	if (proof->mismatch) {
		dp_answer_line("mismatch %s", proof->difference);
		return;
	}
	printf("ok rules=%u programs=%u sourceInsns=%u fastInsns=%u exactInsns=%u jit=%d jitBytes=%zu effort=%u "
	       "shapes=%u tableShapes=%u partialShapes=%u tableFields=%u tableAlternatives=%u tableBytes=%zu "
	       "byTables=%u packets=%u comparisons=%u truncated=%u hits=",
	       info->rules, info->programs, info->source_insns, info->fast_insns, info->exact_insns, info->jit,
	       info->fast_jit_bytes + info->exact_jit_bytes, info->fuse_effort, info->shapes, info->table_shapes,
	       info->partial_shapes, info->table_fields, info->table_alternatives, info->table_bytes, proof->by_tables,
	       proof->packets, proof->comparisons, proof->truncated);
	for (unsigned i = 0; i < n; i++)
		printf("%s%u", i == 0 ? "" : ",", proof->hits[i]);
	if (info->obstacle != NULL)
		printf(" obstacle=%d %s: %s", info->obstacle_rule, info->obstacle_shape, info->obstacle);
	putchar('\n');
}
