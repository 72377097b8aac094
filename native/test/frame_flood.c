/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-frame-flood NETDEV FILE: sends the frames of a pcap file through a netdev, round and round and as fast as it
 * can, past the kernel's IP stack and queueing discipline; for benchmarks. Ends when its stdin does.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 64
#define MAX_FRAMES 65536
#define FILE_HEADER 24

struct record {
	uint32_t seconds, microseconds, captured, length;
};

static struct iovec frames[MAX_FRAMES + BATCH];
static struct mmsghdr messages[MAX_FRAMES + BATCH];

/* Returns how many there are; the file stays mapped. */
static unsigned
read_frames(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	uint8_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		err(1, "%s", path);
	unsigned n = 0;
	const struct record *record;
	for (size_t at = FILE_HEADER; n < MAX_FRAMES && at + sizeof(*record) <= (size_t)st.st_size; n++) {
		record = (const struct record *)(file + at);
		at += sizeof(*record);
		if (record->captured > (size_t)st.st_size - at)
			errx(1, "%s: cut short", path);
		frames[n] = (struct iovec){.iov_base = file + at, .iov_len = record->captured};
		at += record->captured;
	}
	if (n == 0)
		errx(1, "%s: no frames", path);
	return n;
}

static int
open_socket(const char *netdev)
{
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(netdev)};
	if (fd < 0 || address.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		err(1, "%s", netdev);
	return fd;
}

static bool
input_ended(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	return poll(&in, 1, 0) != 0;
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		errx(64, "usage: spillway-frame-flood NETDEV FILE");
	unsigned n = read_frames(argv[2]);
	/* A batch may begin at any frame: the first ones come once more behind the last. */
	for (unsigned i = 0; i < n + BATCH; i++) {
		frames[i] = frames[i % n];
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &frames[i], .msg_iovlen = 1};
	}
	int fd = open_socket(argv[1]);
	for (unsigned at = 0; !input_ended(); at = (at + BATCH) % n)
		/* What the netdev's queue does not take is its loss. */
		if (sendmmsg(fd, messages + at, BATCH, 0) < 0 && errno != ENOBUFS && errno != EAGAIN)
			err(1, "%s", argv[1]);
	return 0;
}
