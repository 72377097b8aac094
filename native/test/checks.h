/* SPDX-License-Identifier: Apache-2.0 */
/* "ok - text" and "not ok - text" lines, and the exit code that follows from them. */
#ifndef CHECKS_H
#define CHECKS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static unsigned checks_failed;

__attribute__((format(printf, 2, 3))) static inline bool
check(bool good, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs(good ? "ok - " : "not ok - ", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	checks_failed += !good;
	return good;
}

static inline int
checks_exit_code(void)
{
	return checks_failed == 0 ? 0 : 1;
}

/* xorshift64*: the same frames in every run and on every machine. */
static inline uint32_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * UINT64_C(2685821657736338717)) >> 32);
}

#endif
