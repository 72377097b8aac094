/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_ERROR_H
#define DP_ERROR_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane.h"

/* Fills *error and returns -1, so that a failing function can say `return dp_fail(...)`. */
__attribute__((format(printf, 5, 6))) static inline int
dp_fail(struct dp_error *error, int errnum, const char *call, const char *subject, const char *format, ...)
{
	error->errnum = errnum;
	error->call = call;
	snprintf(error->subject, sizeof(error->subject), "%s", subject);
	va_list args;
	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return -1;
}

#endif
