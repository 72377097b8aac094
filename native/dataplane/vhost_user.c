/* SPDX-License-Identifier: Apache-2.0 */
#include "vhost_user.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_alarm.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "eal.h"
#include "error.h"
#include "exception.h"
#include "quiesce.h"
#include "wiring.h"

#define RETRY_MS 250
/* Between tries that failed in the driver, at last. */
#define RETRY_SELDOM_MS 30000
#define ANSWER_MS 1000
/* For a server to reach its wait; it takes some ten. */
#define BEGIN_MS 2000
/*
 * A neighbour that does not answer holds the connector in the driver; the process ends without it then. What else a
 * stop does has to fit into the supervisor's STOP_DEADLINE_MS with this.
 */
#define END_MS 500
#define END_STEP_NS 20000000

/* What begins each message. */
struct vhost_user_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* of what follows */
} __attribute__((packed));
#define VHOST_USER_GET_FEATURES 1
#define VHOST_USER_VERSION 1

static int
open_socket(const struct dp_exception_plan *plan, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, plan->socket, sizeof(address->sun_path));
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Whether somebody listens at the socket: 0, or errno. */
static int
try_connect(const struct dp_exception_plan *plan)
{
	struct sockaddr_un address;
	int fd = open_socket(plan, &address);
	if (fd < 0)
		return errno;
	int errnum = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	close(fd);
	return errnum;
}

/* The first message of vhost-user, and its answer, unless something comes at `wake_fd` before. */
static int
ask_features(int fd, int wake_fd)
{
	const struct vhost_user_header request = {.request = VHOST_USER_GET_FEATURES, .flags = VHOST_USER_VERSION};
	struct {
		struct vhost_user_header header;
		uint64_t features;
	} __attribute__((packed)) reply;
	if (send(fd, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		return EPIPE;
	struct pollfd answered[] = {{.fd = fd, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
	if (poll(answered, 2, ANSWER_MS) <= 0 || answered[0].revents == 0)
		return ETIMEDOUT;
	ssize_t length = recv(fd, &reply, sizeof(reply), 0);
	if (length <= 0)
		return ECONNRESET;
	bool valid = length == sizeof(reply) && reply.header.request == VHOST_USER_GET_FEATURES &&
		     reply.header.size == sizeof(reply.features);
	return valid ? 0 : EPROTO;
}

/*
 * Whether a neighbour is at the socket and answers: 0, or errno. The driver would block where it does not, and keeps
 * descriptors (22.11) and says much where it is refused.
 */
static int
try_neighbour(const struct dp_exception_plan *plan, int wake_fd)
{
	struct sockaddr_un address;
	int fd = open_socket(plan, &address);
	if (fd < 0)
		return errno;
	int errnum = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : ask_features(fd, wake_fd);
	close(fd);
	return errnum;
}

/* Whether we can listen at the socket: 0, or errno. One that a dead process left is removed. */
static int
try_bind(const struct dp_exception_plan *plan)
{
	struct sockaddr_un address;
	struct stat found;
	if (lstat(plan->socket, &found) == 0 && S_ISSOCK(found.st_mode) && try_connect(plan) == ECONNREFUSED)
		unlink(plan->socket);
	int fd = open_socket(plan, &address);
	if (fd < 0)
		return errno;
	int errnum = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	close(fd);
	if (errnum == 0)
		unlink(plan->socket);
	return errnum;
}

static void
set_why(struct dp_vhost_user *n, const struct dp_error *why)
{
	pthread_mutex_lock(&n->lock);
	n->why = *why;
	pthread_mutex_unlock(&n->lock);
}

/* Whether it is worth to let the driver try; else `why` not. */
static bool
is_possible(const struct dp_vhost_user *n, struct dp_error *why)
{
	const struct dp_exception_plan *plan = &n->port->plan->exception;
	int errnum = plan->server ? try_bind(plan) : try_neighbour(plan, n->wake_fd);
	if (errnum == 0)
		return true;
	dp_fail(why, errnum, plan->server ? "vhost_user_bind" : "vhost_user_connect", plan->socket, "%s",
		strerror(errnum));
	return false;
}

/*
 * Lets the driver make the port; it keeps a server's socket when that fails. A server waits in the probe, so it cannot
 * hold the devices; is_waiting() sees to it that nobody else probes while it enters itself in EAL's list.
 */
static bool
open_port(struct dp_vhost_user *n, struct dp_error *why)
{
	const struct dp_exception_plan *plan = &n->port->plan->exception;
	if (!plan->server)
		dp_eal_hold_devices();
	n->opened = dp_virtio_open(n->port, &n->port_id, why) == 0;
	if (!plan->server)
		dp_eal_release_devices();
	else if (!n->opened)
		unlink(plan->socket);
	return n->opened;
}

static void
passed(void *arg)
{
	sem_post(arg);
}

/* When the driver sees the connection end, it leaves work to EAL's interrupt thread: that is done when this returns. */
static void
pass_interrupt_thread(void)
{
	sem_t reached;
	sem_init(&reached, 0, 0);
	if (rte_eal_alarm_set(1, passed, &reached) == 0)
		while (sem_wait(&reached) < 0 && errno == EINTR)
			;
	sem_destroy(&reached);
}

/* Devices are held, or nobody else is left. */
static void
close_port(struct dp_vhost_user *n)
{
	pass_interrupt_thread();
	dp_virtio_close(n->port, n->port_id);
	n->opened = false;
}

static void *
connector_main(void *arg)
{
	struct dp_vhost_user *n = arg;
	struct pollfd woken = {.fd = n->wake_fd, .events = POLLIN};
	char name[16];
	snprintf(name, sizeof(name), "connect-%.7s", n->port->plan->name);
	pthread_setname_np(pthread_self(), name);
	if (n->opened) {
		dp_eal_hold_devices();
		close_port(n);
		dp_eal_release_devices();
	}
	int retry_ms = RETRY_MS;
	while (!atomic_load_explicit(&n->stop, memory_order_acquire)) {
		struct dp_error why = {0};
		bool possible = is_possible(n, &why);
		if (possible && open_port(n, &why))
			break;
		set_why(n, &why);
		poll(&woken, 1, retry_ms);
		retry_ms = !possible ? RETRY_MS : retry_ms * 2 < RETRY_SELDOM_MS ? retry_ms * 2 : RETRY_SELDOM_MS;
	}
	atomic_store_explicit(&n->done, true, memory_order_release);
	return NULL;
}

static void
start_connector(struct dp_vhost_user *n)
{
	atomic_store_explicit(&n->done, false, memory_order_relaxed);
	n->connecting = pthread_create(&n->connector, NULL, connector_main, n) == 0;
}

int
dp_vhost_user_begin(struct dp_vhost_user *n, const struct dp_port *port, struct dp_error *error)
{
	n->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (n->wake_fd < 0)
		return dp_fail(error, errno, "eventfd", port->plan->name, "%s", strerror(errno));
	pthread_mutex_init(&n->lock, NULL);
	n->port = port;
	n->row = dp_counters_add_neighbour(port->plan->name);
	if (n->row == NULL)
		return dp_fail(error, ENOSPC, "dp_counters_add_neighbour", "counter file", "too small");
	return 0;
}

/* The connector has been through what must not be done at the same time by two: it waits for its neighbour, or cannot.
 */
static bool
is_waiting(struct dp_vhost_user *n)
{
	struct stat found;
	pthread_mutex_lock(&n->lock);
	bool failed = n->why.errnum != 0;
	pthread_mutex_unlock(&n->lock);
	return failed || atomic_load_explicit(&n->done, memory_order_acquire) ||
	       stat(n->port->plan->exception.socket, &found) == 0;
}

void
dp_vhost_user_start(struct dp_machine *m)
{
	for (int server = 1; server >= 0; server--) {
		for (unsigned p = 0; p < m->n_ports; p++) {
			struct dp_vhost_user *n = &m->neighbours[p];
			if (n->port == NULL || n->port->plan->exception.server != (server == 1))
				continue;
			start_connector(n);
			int64_t deadline = dp_now_ms() + BEGIN_MS;
			while (server && n->connecting && !is_waiting(n) && dp_now_ms() < deadline)
				nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		}
	}
}

static void
attach_queues(struct dp_machine *m, unsigned p)
{
	for (unsigned t = 0; t < m->n_threads; t++)
		for (unsigned q = 0; q < m->threads[t]->n_queues; q++)
			if (m->threads[t]->queues[q].port == &m->ports[p])
				dp_virtio_attach(&m->threads[t]->queues[q], m->neighbours[p].port_id, (uint16_t)t);
}

/* Why the neighbour is not there yet, when it is for another reason than was told. */
static void
tell_why(struct dp_vhost_user *n, unsigned p, const struct dp_events *events)
{
	pthread_mutex_lock(&n->lock);
	struct dp_error why = n->why;
	pthread_mutex_unlock(&n->lock);
	if (why.errnum == 0 || why.errnum == n->told_errnum)
		return;
	n->told_errnum = why.errnum;
	events->neighbour(events->context, p, &why);
}

static void
set_up(struct dp_vhost_user *n, unsigned p, const struct dp_events *events, bool up)
{
	struct dp_error gone;
	atomic_store_explicit(&n->up, up, memory_order_release);
	dp_set(&n->row->up, up);
	if (up) {
		dp_count(&n->row->connections, 1);
	} else {
		dp_fail(&gone, ENOTCONN, "vhost_user_connect", n->port->plan->exception.socket,
			"the neighbour has gone");
		set_why(n, &(struct dp_error){0});
	}
	n->told_errnum = 0;
	events->neighbour(events->context, p, up ? NULL : &gone);
}

static bool
has_link(const struct dp_vhost_user *n)
{
	struct rte_eth_link link = {0};
	return rte_eth_link_get_nowait(n->port_id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

void
dp_vhost_user_refresh(struct dp_machine *m, unsigned p, const struct dp_events *events)
{
	struct dp_vhost_user *n = &m->neighbours[p];
	if (n->port == NULL)
		return;
	if (n->connecting) {
		tell_why(n, p, events);
		if (!atomic_load_explicit(&n->done, memory_order_acquire))
			return;
		pthread_join(n->connector, NULL);
		n->connecting = false;
		if (n->opened)
			attach_queues(m, p);
	}
	bool up = n->opened && has_link(n), was_up = atomic_load_explicit(&n->up, memory_order_relaxed);
	if (up != was_up)
		set_up(n, p, events, up);
	bool server = n->port->plan->exception.server;
	if (up || (server && n->opened))
		return;
	/* Exception threads leave the port alone once each has begun a turn with `up` false. */
	if (dp_quiesce(m, true))
		start_connector(n);
}

static void
ask_to_stop(struct dp_vhost_user *n)
{
	uint64_t one = 1;
	atomic_store_explicit(&n->stop, true, memory_order_release);
	ssize_t written = write(n->wake_fd, &one, sizeof(one));
	(void)written; /* without it the connector sees `stop` after its wait */
}

/* A server in the driver waits for a connection: gives it one that ends at once. */
static bool
join_connector(const struct dp_vhost_user *n, int64_t deadline)
{
	do {
		struct timespec until;
		if (n->port->plan->exception.server)
			try_connect(&n->port->plan->exception);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += END_STEP_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_timedjoin_np(n->connector, NULL, &until) == 0)
			return true;
	} while (dp_now_ms() < deadline);
	return false;
}

static bool
join_connectors(struct dp_machine *m)
{
	bool joined = true;
	int64_t deadline = dp_now_ms() + END_MS;
	for (unsigned p = 0; p < m->n_ports; p++) {
		struct dp_vhost_user *n = &m->neighbours[p];
		if (n->port != NULL && n->connecting)
			n->connecting = !join_connector(n, deadline);
		joined &= !n->connecting;
	}
	return joined;
}

bool
dp_vhost_user_end(struct dp_machine *m)
{
	for (unsigned p = 0; p < m->n_ports; p++)
		if (m->neighbours[p].port != NULL)
			ask_to_stop(&m->neighbours[p]);
	if (!join_connectors(m))
		return false;
	for (unsigned p = 0; p < m->n_ports; p++) {
		struct dp_vhost_user *n = &m->neighbours[p];
		if (n->port == NULL)
			continue;
		if (n->opened)
			close_port(n);
		close(n->wake_fd);
		n->port = NULL;
	}
	return true;
}
