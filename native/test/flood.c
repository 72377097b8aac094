/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood NETDEV PPS HEX: sends the frame HEX by a packet socket, evenly at most PPS times a second (0: as fast as it
 * goes), until its stdin ends; then prints how many the kernel took. A rate that falls behind is not made up for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define FRAME_MAX 1514

static uint8_t frame[FRAME_MAX];

static unsigned
read_hex(const char *text)
{
	unsigned n = 0;
	for (; n < FRAME_MAX && sscanf(text + 2 * (size_t)n, "%2hhx", &frame[n]) == 1 && text[2 * n + 1] != '\0'; n++)
		;
	return n;
}

static int
open_wire(const char *netdev)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(netdev)};
	int wire = socket(AF_PACKET, SOCK_RAW, 0);
	if (wire < 0 || address.sll_ifindex == 0 || bind(wire, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(netdev);
		exit(1);
	}
	return wire;
}

static uint64_t
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sends up to `n` frames; returns how many the kernel took. */
static unsigned
send_batch(int wire, unsigned n, unsigned length)
{
	static struct mmsghdr messages[BATCH];
	static struct iovec piece;
	piece = (struct iovec){.iov_base = frame, .iov_len = length};
	for (unsigned i = 0; i < BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &piece, .msg_iovlen = 1};
	int sent = sendmmsg(wire, messages, n < BATCH ? n : BATCH, 0);
	return sent < 0 ? 0 : (unsigned)sent;
}

int
main(int argc, char **argv)
{
	unsigned length = argc == 4 ? read_hex(argv[3]) : 0;
	if (length < 14) {
		fputs("flood NETDEV PPS HEX\n", stderr);
		return 64;
	}
	double pps = strtod(argv[2], NULL);
	int wire = open_wire(argv[1]);
	uint64_t begin = now_ns(), sent = 0, due = 0, looked = begin;
	struct pollfd input = {.fd = 0, .events = POLLIN};
	for (;;) {
		uint64_t now = now_ns();
		if (now - looked > 1000000) {
			looked = now;
			char byte;
			if (poll(&input, 1, 0) > 0 && read(0, &byte, 1) <= 0)
				break;
		}
		uint64_t until = pps > 0 ? (uint64_t)((double)(now - begin) * pps / 1e9) : due + BATCH;
		due = until - due > 4 * BATCH ? until - 4 * BATCH : due;
		if (until == due) {
			nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
			continue;
		}
		unsigned n = until - due < BATCH ? (unsigned)(until - due) : BATCH;
		sent += send_batch(wire, n, length);
		due += n;
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}
