/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-telemetry: speaks to the telemetry socket of a DPDK program. It exists because that is a SOCK_SEQPACKET
 * socket and Node has none. Resident; one question after the other. It links no DPDK, keeps no privilege, understands
 * nothing of what it carries, and ends with its input.
 *
 * In, a line each:   connect PATH        ask COMMAND
 * Out, to each line: STATUS LENGTH\n     and then LENGTH bytes and \n
 *
 * STATUS is `ok`, `cut` (the answer was longer than we take) or `failed`, whose bytes are a word for the errno and a
 * text. After `failed` there is no connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "../privilege/drop.h"
#include "socket.h"

/* DPDK takes commands of up to 1 KiB; a path is at most 4 KiB. */
#define MAX_LINE 8192
/* An answer takes milliseconds; a device that is asked for its counters over a slow channel takes longer. */
#define PATIENCE_MS 1000

static void
say(const char *status, const char *text, size_t length)
{
	printf("%s %zu\n", status, length);
	fwrite(text, 1, length, stdout);
	putchar('\n');
	fflush(stdout);
}

static void
say_failed(int error)
{
	char text[256];
	int length = snprintf(text, sizeof(text), "%s %s", strerrorname_np(error), strerrordesc_np(error));
	say("failed", text, length > 0 && (size_t)length < sizeof(text) ? (size_t)length : 0);
}

static int
leave(int fd)
{
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Does what the line says and answers; gives the descriptor from here on, or -1. */
static int
act(const char *line, int fd, struct tl_answer *answer)
{
	int error = 0;
	if (strncmp(line, "connect ", 8) == 0) {
		leave(fd);
		fd = tl_connect(line + 8, PATIENCE_MS, answer);
		error = fd < 0 ? -fd : 0;
	} else if (strncmp(line, "ask ", 4) == 0) {
		error = fd < 0 ? ENOTCONN : -tl_ask(fd, line + 4, answer);
	} else {
		error = EPROTO;
	}
	if (error != 0) {
		fd = leave(fd);
		say_failed(error);
	} else {
		say(answer->cut ? "cut" : "ok", answer->text, answer->length);
	}
	return fd;
}

int
main(void)
{
	static struct tl_answer answer;
	static char line[MAX_LINE];
	int error = dp_drop_privileges(0);
	if (error != 0) {
		fprintf(stderr, "spillway-telemetry: cannot give up its privileges: %s\n", strerrordesc_np(-error));
		return EXIT_FAILURE;
	}
	int fd = -1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t length = strcspn(line, "\n");
		/* No end: too long, or our peer went away in the middle. */
		if (line[length] != '\n')
			break;
		line[length] = '\0';
		fd = act(line, fd, &answer);
	}
	return EXIT_SUCCESS;
}
