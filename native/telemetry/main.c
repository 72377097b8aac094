/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-telemetry: speaks to the telemetry socket of a DPDK program. It exists because that is a SOCK_SEQPACKET
 * socket and Node has none. Resident; one question after the other. It links no DPDK, keeps no privilege, understands
 * nothing of what it carries, and ends with its input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../privilege/drop.h"
#include "relay.h"

/* An answer takes milliseconds; a device that is asked for its counters over a slow channel takes longer. */
#define PATIENCE_MS 1000

int
main(void)
{
	int error = dp_drop_privileges(0);
	if (error != 0) {
		fprintf(stderr, "spillway-telemetry: cannot give up its privileges: %s\n", strerrordesc_np(-error));
		return EXIT_FAILURE;
	}
	tl_relay(stdin, stdout, PATIENCE_MS);
	return EXIT_SUCCESS;
}
