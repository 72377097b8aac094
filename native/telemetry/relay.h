/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TL_RELAY_H
#define TL_RELAY_H

#include <stdio.h>

/* Room for a line, its end and a NUL. DPDK takes commands of up to 1 KiB; a path is at most 4 KiB. */
#define TL_MAX_LINE 8192

/*
 * Carries questions and answers until `in` ends, or has something that is no line.
 *
 * In, a line each:   connect PATH        ask COMMAND
 * Out, to each line: STATUS LENGTH\n     and then LENGTH bytes and \n
 *
 * STATUS is `ok`, `cut` (the answer was longer than we take) or `failed`, whose bytes are a word for the errno and a
 * text. After `failed` there is no connection.
 */
void tl_relay(FILE *in, FILE *out, int patience_ms);

#endif
