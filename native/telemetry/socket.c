/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int
receive(int fd, struct tl_answer *answer)
{
	ssize_t length;
	do
		/* MSG_TRUNC: the length of what was sent, also when there was no room for it. */
		length = recv(fd, answer->text, sizeof(answer->text), MSG_TRUNC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (length == 0)
		return -ECONNRESET;
	answer->cut = (size_t)length > sizeof(answer->text);
	answer->length = answer->cut ? sizeof(answer->text) : (size_t)length;
	return 0;
}

/* On a unix socket the deadline for sending is also the one for connecting, where the peer's backlog may be full. */
static int
set_deadlines(int fd, int patience_ms)
{
	struct timeval patience = {.tv_sec = patience_ms / 1000, .tv_usec = (patience_ms % 1000) * 1000L};
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0)
		return -errno;
	return 0;
}

static int
open_socket(int fd, const struct sockaddr_un *address, int patience_ms, struct tl_answer *greeting)
{
	int result = set_deadlines(fd, patience_ms);
	if (result == 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
		result = errno == EAGAIN ? -ETIMEDOUT : -errno;
	return result == 0 ? receive(fd, greeting) : result;
}

int
tl_connect(const char *path, int patience_ms, struct tl_answer *greeting)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int result = open_socket(fd, &address, patience_ms, greeting);
	if (result == 0)
		return fd;
	close(fd);
	return result;
}

int
tl_ask(int fd, const char *command, struct tl_answer *answer)
{
	/* The peer may be gone: an error, and no signal. */
	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return receive(fd, answer);
}
