/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-hold TAP: keeps a queue of a multi-queue tap, detached, so that it gets no traffic and the tap keeps its
 * carrier while no worker is attached. It says "held" once it does, and ends with its input: its parent's death ends it
 * too. It exists because Node has no ioctl. It links no DPDK and keeps no privilege but the descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../privilege/drop.h"

static int
fail(const char *what, const char *tap)
{
	fprintf(stderr, "spillway-hold: %s %s: %s\n", what, tap, strerrordesc_np(errno));
	return EXIT_FAILURE;
}

/* As the backends attach: the kernel takes the flags of whoever came last for those of the tap. */
static int
hold(const char *tap)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail("cannot open", "/dev/net/tun");
	strncpy(request.ifr_name, tap, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return fail("cannot attach to", tap);
	request.ifr_flags = IFF_DETACH_QUEUE;
	if (ioctl(fd, TUNSETQUEUE, &request) < 0)
		return fail("cannot detach its queue from", tap);
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	if (argc != 2 || strlen(argv[1]) >= IFNAMSIZ) {
		fprintf(stderr, "usage: spillway-hold TAP\n");
		return EXIT_FAILURE;
	}
	if (hold(argv[1]) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	int error = dp_drop_privileges(0);
	if (error != 0) {
		fprintf(stderr, "spillway-hold: cannot give up its privileges: %s\n", strerrordesc_np(-error));
		return EXIT_FAILURE;
	}
	puts("held");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return EXIT_SUCCESS;
}
