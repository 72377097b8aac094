/* SPDX-License-Identifier: Apache-2.0 */
/* The capture's thread: from the rings to the socket, until it is told to stop, has enough, or nobody listens. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "capture_format.h"
#include "capture_private.h"
#include "error.h"
#include "quiesce.h"

#define BURST 32
/* How often an idle writer looks again, and so what a packet may wait. */
#define IDLE_MS 10

/* All of it, whatever the socket takes at once. 0, or errno. */
static int
write_whole(int fd, struct iovec *pieces, unsigned n)
{
	while (n > 0) {
		struct msghdr message = {.msg_iov = pieces, .msg_iovlen = n};
		ssize_t written = sendmsg(fd, &message, MSG_NOSIGNAL);
		if (written < 0 && errno != EINTR)
			return errno;
		for (; n > 0 && written >= (ssize_t)pieces->iov_len; pieces++, n--)
			written -= (ssize_t)pieces->iov_len;
		if (n > 0 && written > 0) {
			pieces->iov_base = (uint8_t *)pieces->iov_base + written;
			pieces->iov_len -= (size_t)written;
		}
	}
	return 0;
}

/* The same moment by the TSC and since 1970. */
struct clock {
	uint64_t tsc;
	uint64_t ns;
};

static struct clock
read_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (struct clock){.tsc = rte_rdtsc(), .ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec};
}

/*
 * Producers note the TSC. What EAL takes for its frequency may be a thousandth off, so it is only trusted for the
 * moment that a packet waited here.
 */
static uint64_t
ns_of(const struct clock *clock, uint64_t tsc)
{
	int64_t ago = (int64_t)(clock->tsc - tsc);
	return clock->ns - (uint64_t)((__int128)ago * 1000000000 / (__int128)rte_get_tsc_hz());
}

static void
date_packets(struct rte_mbuf **pkts, unsigned n)
{
	struct clock clock = read_clock();
	for (unsigned i = 0; i < n; i++) {
		uint8_t *block = rte_pktmbuf_mtod(pkts[i], uint8_t *);
		dp_pcapng_set_time(block, ns_of(&clock, dp_pcapng_get_tsc(block)));
	}
}

/* Writes what a ring has, up to a burst. Returns how many. */
static unsigned
write_burst(struct dp_capture *capture, struct rte_ring *ring)
{
	struct rte_mbuf *pkts[BURST];
	struct iovec pieces[BURST];
	unsigned n = rte_ring_sc_dequeue_burst(ring, (void **)pkts, BURST, NULL);
	if (n == 0)
		return 0;
	unsigned wanted = n;
	if (capture->count != 0 && capture->count - capture->written < n)
		wanted = (unsigned)(capture->count - capture->written);
	date_packets(pkts, wanted);
	for (unsigned i = 0; i < wanted; i++)
		pieces[i] = (struct iovec){.iov_base = rte_pktmbuf_mtod(pkts[i], void *), .iov_len = pkts[i]->data_len};
	capture->errnum = write_whole(capture->fd, pieces, wanted);
	if (capture->errnum == 0)
		capture->written += wanted;
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

static int
write_block(int fd, uint8_t *block, uint32_t length)
{
	struct iovec piece = {.iov_base = block, .iov_len = length};
	return write_whole(fd, &piece, 1);
}

static int
write_head(const struct dp_capture *capture)
{
	uint8_t block[DP_PCAPNG_MAX_BLOCK];
	int errnum = write_block(capture->fd, block, dp_pcapng_section(block, "spillway"));
	for (unsigned i = 0; i < capture->n_interfaces && errnum == 0; i++)
		errnum = write_block(capture->fd, block,
				     dp_pcapng_interface(block, capture->names[i], capture->snaplen));
	return errnum;
}

/* What was missed is known of all ports together: it stands at the first one. */
static int
write_statistics(const struct dp_capture *capture)
{
	uint8_t block[DP_PCAPNG_MAX_BLOCK];
	uint64_t matched = 0, missed = 0;
	for (unsigned i = 0; i < capture->n_producers; i++) {
		matched += atomic_load_explicit(&capture->producers[i]->matched, memory_order_relaxed);
		missed += atomic_load_explicit(&capture->producers[i]->missed, memory_order_relaxed);
	}
	return write_block(capture->fd, block, dp_pcapng_statistics(block, 0, read_clock().ns, matched, missed));
}

static bool
has_enough(const struct dp_capture *capture)
{
	return capture->errnum != 0 || (capture->count != 0 && capture->written >= capture->count) ||
	       (capture->until_ms != 0 && dp_now_ms() >= capture->until_ms);
}

static unsigned
write_all(struct dp_capture *capture)
{
	unsigned n = 0;
	for (unsigned i = 0; i < capture->n_producers && !has_enough(capture); i++)
		n += write_burst(capture, capture->producers[i]->ring);
	return n;
}

/* Nobody sends us anything: what can happen to the socket is that its other end goes away. */
static bool
reader_left(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLRDHUP};
	return poll(&poller, 1, IDLE_MS) > 0;
}

static void
copy_to_socket(struct dp_capture *capture)
{
	capture->errnum = write_head(capture);
	for (;;) {
		bool stop = atomic_load_explicit(&capture->stop, memory_order_acquire);
		unsigned n = write_all(capture);
		if (has_enough(capture) || (stop && n == 0))
			break;
		if (n == 0 && reader_left(capture->fd))
			capture->errnum = EPIPE;
	}
	if (capture->errnum == 0)
		capture->errnum = write_statistics(capture);
	shutdown(capture->fd, SHUT_WR); /* control has it open too */
	close(capture->fd);
}

static void *
writer_main(void *arg)
{
	struct dp_capture *capture = arg;
	pthread_setname_np(pthread_self(), "capture");
	copy_to_socket(capture);
	atomic_store_explicit(&capture->ended, true, memory_order_release);
	return NULL;
}

static int
connect_to(const char *path, struct dp_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int errnum = errno;
	if (fd >= 0)
		close(fd);
	return dp_fail(error, errnum, "dp_capture_start", "capture", "connect: %s", strerror(errnum));
}

int
dp_capture_writer_start(struct dp_capture *capture, const struct dp_capture_plan *plan, struct dp_error *error)
{
	capture->fd = connect_to(plan->socket, error);
	if (capture->fd < 0)
		return -1;
	capture->count = plan->count;
	capture->until_ms = plan->duration_ms == 0 ? 0 : dp_now_ms() + (int64_t)plan->duration_ms;
	capture->hang_up_fd = dup(capture->fd);
	int rc = capture->hang_up_fd < 0 ? errno : pthread_create(&capture->writer, NULL, writer_main, capture);
	if (rc == 0) {
		capture->writing = true;
		return 0;
	}
	close(capture->fd);
	if (capture->hang_up_fd >= 0)
		close(capture->hang_up_fd);
	return dp_fail(error, rc, "dp_capture_start", "capture", "pthread_create: %s", strerror(rc));
}

void
dp_capture_writer_stop(struct dp_capture *capture, unsigned patience_ms)
{
	if (!capture->writing)
		return;
	atomic_store_explicit(&capture->stop, true, memory_order_release);
	int64_t deadline = dp_now_ms() + patience_ms;
	while (!dp_capture_ended(capture) && dp_now_ms() < deadline)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	/* A reader that does not read would keep the writer in its call for ever. */
	shutdown(capture->hang_up_fd, SHUT_RDWR);
	pthread_join(capture->writer, NULL);
	close(capture->hang_up_fd);
	capture->writing = false;
}
