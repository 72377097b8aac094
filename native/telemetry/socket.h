/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TL_SOCKET_H
#define TL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/* What newer DPDK answers at most is 16 KiB; a peer that sends more is cut here and said to be. */
#define TL_MAX_ANSWER (256 * 1024)

/* One answer of the peer, whole as it came: a message of a SOCK_SEQPACKET socket. */
struct tl_answer {
	char text[TL_MAX_ANSWER];
	size_t length;
	bool cut;
};

/*
 * Opens the telemetry socket `path` and takes what the peer says first. Nothing here waits longer than `patience_ms`.
 * Returns the descriptor, or a negative errno.
 */
int tl_connect(const char *path, int patience_ms, struct tl_answer *greeting);

/* Sends one command and waits for its answer. 0, or a negative errno; the socket is of no use after an error. */
int tl_ask(int fd, const char *command, struct tl_answer *answer);

#endif
