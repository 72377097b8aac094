/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_REFUSE_H
#define DP_REFUSE_H

/* As in shells: 126 for what is there and may or can not be run, 127 for what is not there. */
#define DP_EXIT_REFUSED 126
#define DP_EXIT_MISSING 127

/* One line on stderr, "spillway-launch: ...", and the end. */
_Noreturn void dp_refuse(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line on stderr; the start goes on. */
void dp_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
