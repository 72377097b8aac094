/* SPDX-License-Identifier: Apache-2.0 */
#include "relay.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "socket.h"

static void
say(FILE *out, const char *status, const char *text, size_t length)
{
	fprintf(out, "%s %zu\n", status, length);
	fwrite(text, 1, length, out);
	fputc('\n', out);
	fflush(out);
}

static void
say_failed(FILE *out, int error)
{
	char text[256];
	int length = snprintf(text, sizeof(text), "%s %s", strerrorname_np(error), strerrordesc_np(error));
	say(out, "failed", text, length > 0 && (size_t)length < sizeof(text) ? (size_t)length : 0);
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
act(const char *line, int fd, int patience_ms, struct tl_answer *answer, FILE *out)
{
	int error = 0;
	if (strncmp(line, "connect ", 8) == 0) {
		leave(fd);
		fd = tl_connect(line + 8, patience_ms, answer);
		error = fd < 0 ? -fd : 0;
	} else if (strncmp(line, "ask ", 4) == 0) {
		error = fd < 0 ? ENOTCONN : -tl_ask(fd, line + 4, answer);
	} else {
		error = EPROTO;
	}
	if (error != 0) {
		fd = leave(fd);
		say_failed(out, error);
	} else {
		say(out, answer->cut ? "cut" : "ok", answer->text, answer->length);
	}
	return fd;
}

void
tl_relay(FILE *in, FILE *out, int patience_ms)
{
	static struct tl_answer answer;
	static char line[TL_MAX_LINE];
	int fd = -1;
	while (fgets(line, sizeof(line), in) != NULL) {
		size_t length = strcspn(line, "\n");
		/* No end: too long, a NUL before it, or our peer went away in the middle. */
		if (line[length] != '\n')
			break;
		line[length] = '\0';
		fd = act(line, fd, patience_ms, &answer, out);
	}
	leave(fd);
}
