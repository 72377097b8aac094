/* SPDX-License-Identifier: Apache-2.0 */
#include "refuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void
say(const char *format, va_list args)
{
	int cause = errno; /* for %m */
	fputs("spillway-launch: ", stderr);
	errno = cause;
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void
dp_refuse(int exit_code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(exit_code);
}

void
dp_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
}
