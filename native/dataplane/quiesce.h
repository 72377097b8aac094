/* SPDX-License-Identifier: Apache-2.0 */
/* How control learns that nobody holds any more what it has taken out of force. */
#ifndef DP_QUIESCE_H
#define DP_QUIESCE_H

#include "wiring.h"

/* An lcore's turn takes microseconds; one that has not moved for this long will not, and the watchdog ends us. */
#define DP_QUIESCE_MS 2000

/*
 * Waits until every lcore, and with `all` every exception thread, has ended a turn that began after now: each reads the
 * epoch at a turn's start and tells it at its end. False when one stands still.
 */
bool dp_quiesce(struct dp_machine *machine, bool all);

/* Nobody uses the port once this returned true. False: somebody stands still, and may use it. */
bool dp_pause(struct dp_machine *machine, struct dp_port *port);
void dp_resume(struct dp_port *port);

/* CLOCK_MONOTONIC, in milliseconds. */
int64_t dp_now_ms(void);

#endif
