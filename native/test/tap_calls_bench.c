/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spillway-tap-calls-bench [CALLS]: what one frame costs through a tap, by system call: one piece of memory, two
 * pieces, and io_uring. In a namespace of its own; the frames written are nobody's, so the kernel drops them at once,
 * and those read were put into the tap's queue before. Prints the median of many rounds in nanoseconds of CPU time a
 * frame.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define TAP "bench0"
#define HEADER sizeof(struct virtio_net_hdr)
#define FRAME 64
#define ENTRIES 64
#define QUEUED 448 /* whole batches; a tap queues 500 frames */
#define ROUNDS 51

static int tap, packet_socket;
/* UDP to a MAC address that nobody has, behind its virtio-net header. */
static uint8_t frame[HEADER + FRAME] = {
	[HEADER] = 2, 0,  0, 0, 0,  9, 2, 0, 0,	 0, 0, 2, 8,	0,    0x45, 0,	  0, 50, 0, 0, 0, 0,
	64,	      17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1, 0x12, 0x34, 0x56, 0x78, 0, 30, 0, 0,
};
static uint8_t inbound[ENTRIES][2048];

struct ring {
	int fd;
	unsigned batch;
	bool fixed_file;
	struct io_uring_params params;
	uint8_t *sq, *cq;
	struct io_uring_sqe *sqes;
};

static struct ring rings[2], *ring; /* and the one in use */

static _Atomic unsigned *
ring_word(uint8_t *base, uint32_t offset)
{
	return (_Atomic unsigned *)(void *)(base + offset);
}

static void *
map_ring(const struct ring *r, size_t size, off_t offset)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, offset);
	if (memory == MAP_FAILED)
		err(1, "io_uring");
	return memory;
}

/* False where io_uring is not to be had: seccomp, sysctl kernel.io_uring_disabled, an old kernel. */
static bool
open_ring(struct ring *r, unsigned batch, bool fixed_file)
{
	*r = (struct ring){.batch = batch, .fixed_file = fixed_file};
	r->params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	r->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &r->params);
	if (r->fd < 0)
		return false;
	const struct io_uring_params *p = &r->params;
	r->sq = map_ring(r, p->sq_off.array + p->sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	r->cq = map_ring(r, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	r->sqes = map_ring(r, p->sq_entries * sizeof(struct io_uring_sqe), (off_t)IORING_OFF_SQES);
	for (unsigned i = 0; i < p->sq_entries; i++)
		*ring_word(r->sq, p->sq_off.array + i * (uint32_t)sizeof(uint32_t)) = i;
	return !fixed_file || syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_FILES, &tap, 1) == 0;
}

/* Submits a batch of calls and waits for all; returns how many moved a frame. */
static unsigned
submit(uint8_t opcode)
{
	const unsigned batch = ring->batch;
	const struct io_uring_params *p = &ring->params;
	unsigned tail = *ring_word(ring->sq, p->sq_off.tail);
	for (unsigned i = 0; i < batch; i++) {
		void *memory = opcode == IORING_OP_WRITE ? frame : inbound[i];
		ring->sqes[(tail + i) % p->sq_entries] = (struct io_uring_sqe){
			.opcode = opcode,
			.flags = ring->fixed_file ? IOSQE_FIXED_FILE : 0,
			.fd = ring->fixed_file ? 0 : tap,
			.addr = (uintptr_t)memory,
			.len = opcode == IORING_OP_WRITE ? sizeof(frame) : sizeof(inbound[i]),
			.rw_flags = RWF_NOWAIT,
		};
	}
	*ring_word(ring->sq, p->sq_off.tail) = tail + batch;
	if (syscall(SYS_io_uring_enter, ring->fd, batch, batch, IORING_ENTER_GETEVENTS, NULL, 0) != (long)batch)
		err(1, "io_uring_enter");
	unsigned moved = 0, head = *ring_word(ring->cq, p->cq_off.head), end = *ring_word(ring->cq, p->cq_off.tail);
	const struct io_uring_cqe *cqes = (const struct io_uring_cqe *)(void *)(ring->cq + p->cq_off.cqes);
	for (; head != end; head++)
		moved += cqes[head % p->cq_entries].res > 0;
	*ring_word(ring->cq, p->cq_off.head) = end;
	return moved;
}

static unsigned
write_one_piece(void)
{
	return write(tap, frame, sizeof(frame)) > 0;
}

static unsigned
write_two_pieces(void)
{
	const struct iovec pieces[2] = {{frame, HEADER}, {frame + HEADER, FRAME}};
	return writev(tap, pieces, 2) > 0;
}

static unsigned
write_by_ring(void)
{
	return submit(IORING_OP_WRITE);
}

static unsigned
read_one_piece(void)
{
	return read(tap, inbound[0], sizeof(inbound[0])) > 0;
}

static unsigned
read_two_pieces(void)
{
	const struct iovec pieces[2] = {{inbound[1], HEADER}, {inbound[0], sizeof(inbound[0])}};
	return readv(tap, pieces, 2) > 0;
}

static unsigned
read_by_ring(void)
{
	return submit(IORING_OP_READ);
}

static double
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* From the kernel there is nothing to read but what is put into the queue here, out of the measured time. */
static double
ns_per_frame(unsigned (*move)(void), bool reads, unsigned frames)
{
	double total = 0;
	unsigned done = 0;
	while (done < frames) {
		unsigned part = reads ? QUEUED : frames, moved = 0;
		for (unsigned i = 0; reads && i < QUEUED; i++)
			if (send(packet_socket, frame + HEADER, FRAME, 0) < 0)
				err(1, "send");
		double begin = now_ns();
		while (moved < part) {
			unsigned n = move();
			if (n == 0)
				errx(1, "a frame is missing");
			moved += n;
		}
		total += now_ns() - begin;
		done += moved;
	}
	return total / done;
}

static struct method {
	const char *text;
	unsigned (*move)(void);
	bool reads;
	struct ring *ring;
	double ns[ROUNDS];
} methods[] = {
	{.text = "write, one piece", .move = write_one_piece},
	{.text = "write, two pieces", .move = write_two_pieces},
	{.text = "write, io_uring, 32 a call", .move = write_by_ring, .ring = &rings[0]},
	{.text = "write, io_uring, 64 a call, fixed file", .move = write_by_ring, .ring = &rings[1]},
	{.text = "read, one piece", .move = read_one_piece, .reads = true},
	{.text = "read, two pieces", .move = read_two_pieces, .reads = true},
	{.text = "read, io_uring, 32 a call", .move = read_by_ring, .reads = true, .ring = &rings[0]},
	{.text = "read, io_uring, 64 a call, fixed file", .move = read_by_ring, .reads = true, .ring = &rings[1]},
};

#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* In turn, so that what disturbs the machine for longer than a round disturbs all. */
static void
measure(unsigned frames, bool with_rings)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < N_METHODS; i++) {
			struct method *m = &methods[i];
			if (m->ring != NULL && !with_rings)
				continue;
			ring = m->ring;
			m->ns[round] = ns_per_frame(m->move, m->reads, frames);
		}
	}
}

static void
open_tap(void)
{
	int header = HEADER, send_buffer = INT_MAX, control = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {.ifr_name = TAP, .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0 || ioctl(tap, TUNSETVNETHDRSZ, &header) < 0 ||
	    ioctl(tap, TUNSETSNDBUF, &send_buffer) < 0)
		err(1, "tap");
	request.ifr_flags = IFF_UP;
	if (ioctl(control, SIOCSIFFLAGS, &request) < 0 || ioctl(control, SIOCGIFINDEX, &request) < 0)
		err(1, TAP);
	close(control);
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = request.ifr_ifindex};
	int one = 1;
	packet_socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (packet_socket < 0 || bind(packet_socket, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(packet_socket, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		err(1, "packet socket");
}

/* A process of several threads, as the worker is: the kernel takes a reference to the file at each call. */
static void *
be_there(void *unused)
{
	pause();
	return unused;
}

int
main(int argc, char **argv)
{
	unsigned frames = argc > 1 ? (unsigned)atoi(argv[1]) : 20000;
	pthread_t other;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		err(1, "unshare");
	if (pthread_create(&other, NULL, be_there, NULL) != 0)
		errx(1, "pthread_create");
	open_tap();
	/* What the kernel itself has to say to a new netdev goes first. */
	while (read_one_piece() > 0)
		;
	bool with_rings = open_ring(&rings[0], 32, false) && open_ring(&rings[1], 64, true);
	if (!with_rings)
		printf("io_uring: %s\n", strerror(errno));
	measure(frames, with_rings);
	for (unsigned i = 0; i < N_METHODS; i++) {
		if (methods[i].ring != NULL && !with_rings)
			continue;
		qsort(methods[i].ns, ROUNDS, sizeof(double), by_value);
		printf("%-40s %5.0f ns\n", methods[i].text, methods[i].ns[ROUNDS / 2]);
	}
	return 0;
}
