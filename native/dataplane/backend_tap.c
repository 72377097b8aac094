/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backend `tap`: the tap's own queue, read and written by the exception thread with a virtio-net header. Attaching to
 * an existing tap, its offloads and its MAC need no capability, only a tap that is ours (tun.c, tun_not_capable).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "error.h"
#include "exception.h"
#include "netlink.h"
#include "tap_queue.h"
#include "vnet_header.h"

static int
check_link(const struct dp_exception_plan *plan, struct dp_link *link, struct dp_error *error)
{
	int rc = dp_netlink_link(plan->tap, link);
	if (rc < 0)
		return dp_fail(error, -rc, "tap_lookup", plan->tap, "%s",
			       rc == -ENODEV ? "no such netdev in this network namespace" : strerror(-rc));
	if (!link->is_tap)
		return dp_fail(error, EMEDIUMTYPE, "tap_lookup", plan->tap, "the netdev is not a tap");
	if (plan->queues > 1 && !link->multi_queue)
		return dp_fail(error, ERANGE, "tap_lookup", plan->tap, "asked for %u queues, the tap was made with one",
			       plan->queues);
	return 0;
}

/* EPERM does not say whom the tap belongs to; the answer does. */
static int
fail_attach(const struct dp_exception_plan *plan, const struct dp_link *link, int errnum, struct dp_error *error)
{
	char owner[32] = "nobody", group[32] = "nobody";
	if (link->has_owner)
		snprintf(owner, sizeof(owner), "uid %u", link->owner);
	if (link->has_group)
		snprintf(group, sizeof(group), "gid %u", link->group);
	return dp_fail(error, errnum, "TUNSETIFF", plan->tap, "owner %s, group %s; we are uid %u, gid %u: %s", owner,
		       group, (unsigned)geteuid(), (unsigned)getegid(), strerror(errnum));
}

static int
set_mac(int fd, const struct dp_exception_plan *plan, const uint8_t mac[6], struct dp_error *error)
{
	struct ifreq request = {0};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", plan->tap);
	request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(request.ifr_hwaddr.sa_data, mac, 6);
	if (ioctl(fd, SIOCSIFHWADDR, &request) < 0)
		return dp_fail(error, errno, "SIOCSIFHWADDR", plan->tap, "%s", strerror(errno));
	return 0;
}

static int
configure(int fd, const struct dp_port_plan *port, struct dp_error *error)
{
	const struct dp_exception_plan *plan = &port->exception;
	/* The kernel may leave checksums and TCP segmentation to us: we finish them (offload.c). */
	unsigned long offloads = port->tap_offloads ? TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0;
	int header = sizeof(struct virtio_net_hdr), send_buffer = INT_MAX;
	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return dp_fail(error, errno, "TUNSETVNETHDRSZ", plan->tap, "%s", strerror(errno));
	if (ioctl(fd, TUNSETOFFLOAD, offloads) < 0)
		return dp_fail(error, errno, "TUNSETOFFLOAD", plan->tap, "%s", strerror(errno));
	if (ioctl(fd, TUNSETSNDBUF, &send_buffer) < 0)
		return dp_fail(error, errno, "TUNSETSNDBUF", plan->tap, "%s", strerror(errno));
	return 0;
}

int
dp_tap_open(struct dp_exception_queue *queue, struct dp_error *error)
{
	const struct dp_exception_plan *plan = &queue->port->plan->exception;
	struct dp_link link;
	if (check_link(plan, &link, error) < 0)
		return -1;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return dp_fail(error, errno, "open", "/dev/net/tun", "%s", strerror(errno));
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	if (link.multi_queue)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", plan->tap);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		fail_attach(plan, &link, errno, error);
		close(fd);
		return -1;
	}
	/* A software port may have no address of its own to give. */
	bool has_mac = rte_is_valid_assigned_ether_addr((const struct rte_ether_addr *)queue->port->mac);
	if (configure(fd, queue->port->plan, error) < 0 ||
	    (has_mac && memcmp(link.mac, queue->port->mac, sizeof(link.mac)) != 0 &&
	     set_mac(fd, plan, queue->port->mac, error) < 0)) {
		close(fd);
		return -1;
	}
	queue->tap = malloc(sizeof(*queue->tap));
	if (queue->tap == NULL) {
		close(fd);
		return dp_fail(error, ENOMEM, "malloc", plan->tap, "out of memory");
	}
	queue->fd = fd;
	return 0;
}

void
dp_tap_close(struct dp_exception_queue *queue)
{
	if (queue->tap == NULL)
		return;
	close(queue->fd);
	free(queue->tap);
	queue->tap = NULL;
}

static unsigned
receive(struct dp_exception_queue *queue, unsigned budget, struct dp_scratch *scratch)
{
	struct dp_tap_queue *tap = queue->tap;
	uint8_t *frame = tap->inbound + sizeof(struct virtio_net_hdr);
	unsigned n = 0;
	for (; n < budget && dp_exception_can_inject(queue); n++) {
		/* One piece: two of a readv cost a tenth more. */
		ssize_t got = read(queue->fd, tap->inbound, sizeof(tap->inbound));
		if (got < (ssize_t)sizeof(struct virtio_net_hdr))
			break; /* EAGAIN: nothing there */
		uint32_t length = (uint32_t)((size_t)got - sizeof(struct virtio_net_hdr));
		struct virtio_net_hdr header;
		memcpy(&header, tap->inbound, sizeof(header));
		struct dp_offload offload;
		if (!dp_vnet_read(&header, &offload)) {
			dp_exception_count_frame(queue, length);
			dp_exception_drop_frame(queue, DP_DROP_INJECT_MALFORMED, frame, length);
			continue;
		}
		dp_exception_inject(queue, frame, length, &offload, scratch);
	}
	return n;
}

const struct dp_backend_ops dp_tap_ops = {.punt = dp_tap_punt, .receive = receive};
