/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backends on DPDK's virtio-user port: `vhost-net`, on /dev/vhost-net and attached to the tap, where the kernel's vhost
 * workers move the frames; and `vhost-user`, on the socket of another switch in user space. The exception thread works
 * on the rings.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_net.h>
#include <rte_version.h>

#include "eal.h"
#include "error.h"
#include "exception.h"
#include "vhost_queue.h"

#define VHOST_NET "/dev/vhost-net"
/* Queue pairs of a virtio-user port before DPDK 23.03. */
#define OLD_MAX_QUEUES 8

/*
 * Checksum receive offload negotiates GUEST_CSUM and LRO GUEST_TSO: bulk TCP from the kernel then comes in pieces of
 * up to 64 KiB, which offload.c cuts.
 */
#define RX_OFFLOADS (RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO)

/*
 * To the kernel: a packet that was verified goes with a partial checksum, which the kernel does not look at again, and
 * segments of a TCP flow as one frame.
 */
#define TX_OFFLOADS (RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

/* DPDK takes a missing path for a vhost-user socket and then fails with another text: look first. */
static int
check_device(struct dp_error *error)
{
	int fd = open(VHOST_NET, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return dp_fail(error, errno, "open", VHOST_NET, "%s", strerror(errno));
	close(fd);
	return 0;
}

/* What errors are about. */
static const char *
name_of(const struct dp_exception_plan *plan)
{
	return plan->backend == DP_BACKEND_VHOST_USER ? plan->socket : plan->tap;
}

int
dp_virtio_check_queues(const struct dp_exception_plan *plan, struct dp_error *error)
{
	unsigned year = 0, month = 0;
	sscanf(rte_version(), "DPDK %u.%u", &year, &month);
	if (plan->queues <= OLD_MAX_QUEUES || year * 100 + month >= 2303)
		return 0;
	return dp_fail(error, ERANGE, "dp_virtio_check_queues", name_of(plan),
		       "asked for %u queues, virtio-user has %d before DPDK 23.03 and this is %s", plan->queues,
		       OLD_MAX_QUEUES, rte_version());
}

static int
configure(uint16_t id, const struct dp_port *port, bool interrupts, struct dp_error *error)
{
	const struct dp_exception_plan *plan = &port->plan->exception;
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(id, &info);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_info_get", name_of(plan), "%s", rte_strerror(-rc));
	bool offloads = port->plan->tap_offloads, kernel = plan->backend == DP_BACKEND_VHOST_NET;
	uint64_t tx = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | (offloads && kernel ? TX_OFFLOADS : 0);
	if ((tx & info.tx_offload_capa) != tx)
		return dp_fail(error, ENOTSUP, "rte_eth_dev_info_get", name_of(plan),
			       "virtio-user offers transmit offloads %#lx, we need %#lx", info.tx_offload_capa, tx);
	/* With lsc the driver itself watches the connection, and the link is what it saw last. */
	struct rte_eth_conf conf = {.rxmode.offloads = offloads ? RX_OFFLOADS & info.rx_offload_capa : 0,
				    .txmode.offloads = tx,
				    .intr_conf = {.rxq = interrupts, .lsc = interrupts && !kernel}};
	rc = rte_eth_dev_configure(id, plan->queues, plan->queues, &conf);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_configure", name_of(plan), "%u queues: %s", plan->queues,
			       rte_strerror(-rc));
	return 0;
}

static int
start(uint16_t id, const struct dp_port *port, struct dp_error *error)
{
	const struct dp_exception_plan *plan = &port->plan->exception;
	int rc;
	if (configure(id, port, true, error) < 0)
		return -1;
	for (uint16_t q = 0; q < plan->queues; q++) {
		rc = rte_eth_rx_queue_setup(id, q, plan->queue_size, SOCKET_ID_ANY, NULL, port->mempool);
		if (rc < 0)
			return dp_fail(error, -rc, "rte_eth_rx_queue_setup", name_of(plan),
				       "queue %u, %u descriptors: %s", q, plan->queue_size, rte_strerror(-rc));
		rc = rte_eth_tx_queue_setup(id, q, plan->queue_size, SOCKET_ID_ANY, NULL);
		if (rc < 0)
			return dp_fail(error, -rc, "rte_eth_tx_queue_setup", name_of(plan),
				       "queue %u, %u descriptors: %s", q, plan->queue_size, rte_strerror(-rc));
	}
	rc = rte_eth_dev_start(id);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_eth_dev_start", name_of(plan), "%s", rte_strerror(-rc));
	return 0;
}

static int
probe(const struct dp_port *port, uint16_t *virtio_port_id, struct dp_error *error)
{
	const struct dp_exception_plan *plan = &port->plan->exception;
	const uint8_t *mac = port->mac;
	char name[RTE_ETH_NAME_MAX_LEN], where[160], devargs[320];
	snprintf(name, sizeof(name), "virtio_user%u", port->id);
	if (plan->backend == DP_BACKEND_VHOST_USER)
		snprintf(where, sizeof(where), "path=%s,server=%d", plan->socket, plan->server);
	else
		snprintf(where, sizeof(where), "path=" VHOST_NET ",iface=%s", plan->tap);
	snprintf(devargs, sizeof(devargs), "%s,%s,queues=%u,queue_size=%u,mac=%02x:%02x:%02x:%02x:%02x:%02x", name,
		 where, plan->queues, plan->queue_size, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	int rc = rte_dev_probe(devargs);
	if (rc == 0)
		rc = rte_eth_dev_get_port_by_name(name, virtio_port_id);
	if (rc < 0)
		return dp_fail(error, -rc, "rte_dev_probe", name_of(plan), "%s", rte_strerror(-rc));
	return 0;
}

int
dp_virtio_open(const struct dp_port *port, uint16_t *virtio_port_id, struct dp_error *error)
{
	const struct dp_exception_plan *plan = &port->plan->exception;
	if (plan->backend == DP_BACKEND_VHOST_NET && check_device(error) < 0)
		return -1;
	if (probe(port, virtio_port_id, error) < 0)
		return -1;
	if (start(*virtio_port_id, port, error) < 0) {
		dp_virtio_close(port, *virtio_port_id);
		return -1;
	}
	return 0;
}

void
dp_virtio_close(const struct dp_port *port, uint16_t virtio_port_id)
{
	struct rte_eth_dev_info info;
	struct dp_error ignored;
	rte_eth_dev_stop(virtio_port_id);
	/* With interrupts the driver closes the queues' eventfds twice: the second time they may be somebody else's. */
	configure(virtio_port_id, port, false, &ignored);
	/* The port alone would leave a device of that name behind. */
	if (rte_eth_dev_info_get(virtio_port_id, &info) == 0)
		rte_dev_remove(info.device);
}

void
dp_virtio_attach(struct dp_exception_queue *queue, uint16_t virtio_port_id, uint16_t queue_id)
{
	queue->virtio_port_id = virtio_port_id;
	queue->virtio_queue_id = queue_id;
	queue->wake_fd = rte_eth_dev_rx_intr_ctl_q_get_fd(virtio_port_id, queue_id);
}

static void
arm(struct dp_exception_queue *queue, bool on)
{
	if (!dp_exception_neighbour_up(queue))
		return;
	if (on)
		rte_eth_dev_rx_intr_enable(queue->virtio_port_id, queue->virtio_queue_id);
	else
		rte_eth_dev_rx_intr_disable(queue->virtio_port_id, queue->virtio_queue_id);
}

static void
woken(struct dp_exception_queue *queue)
{
	uint64_t events;
	/* Nonblocking: when another turn was quicker there is nothing to read. */
	ssize_t n = read(queue->wake_fd, &events, sizeof(events));
	(void)n;
}

static void
transmit(struct dp_exception_queue *queue, enum dp_class klass, struct rte_mbuf **pkts, uint16_t n)
{
	uint32_t lengths[DP_MAX_BURST];
	for (uint16_t i = 0; i < n; i++)
		lengths[i] = rte_pktmbuf_pkt_len(pkts[i]);
	uint16_t sent = rte_eth_tx_burst(queue->virtio_port_id, queue->virtio_queue_id, pkts, n);
	dp_exception_count_punted(queue, klass, lengths, sent);
	if (sent < n)
		dp_exception_drop(queue, DP_DROP_NEIGHBOUR_FULL, pkts + sent, (uint16_t)(n - sent));
}

/* Every packet as it came: another switch may not finish checksums, and after it came back may be another one. */
static void
punt_to_neighbour(struct dp_exception_queue *queue, enum dp_class klass, struct rte_mbuf **pkts, uint16_t n)
{
	if (dp_exception_neighbour_up(queue))
		transmit(queue, klass, pkts, n);
	else
		dp_exception_drop(queue, DP_DROP_NEIGHBOUR_DOWN, pkts, n);
}

/* The driver has turned the virtio-net header into mbuf flags; where the checksum lies has to be found again. */
static bool
read_offload(const struct rte_mbuf *m, const uint8_t *frame, struct dp_offload *offload)
{
	struct dp_headers headers;
	*offload = (struct dp_offload){0};
	if (!dp_headers_parse(frame, rte_pktmbuf_pkt_len(m), &headers))
		return false;
	if (m->ol_flags & RTE_MBUF_F_RX_LRO) {
		offload->gso = headers.ipv6 ? DP_GSO_TCP6 : DP_GSO_TCP4;
		offload->segment_bytes = m->tso_segsz;
	}
	offload->partial_checksum = true;
	offload->checksum_start = (uint16_t)headers.l4_offset;
	offload->checksum_offset = headers.protocol == IPPROTO_TCP ? 16 : 6;
	return true;
}

static void
inject_unfinished(struct dp_exception_queue *queue, struct rte_mbuf *m, struct dp_scratch *scratch)
{
	uint32_t length = rte_pktmbuf_pkt_len(m);
	struct dp_offload offload;
	const void *head = length <= sizeof(scratch->frame) ? rte_pktmbuf_read(m, 0, length, scratch->frame) : NULL;
	if (head != NULL && head != scratch->frame)
		memcpy(scratch->frame, head, length);
	if (head != NULL && read_offload(m, scratch->frame, &offload)) {
		dp_exception_inject(queue, scratch->frame, length, &offload, scratch);
		rte_pktmbuf_free(m);
	} else {
		dp_exception_count_frame(queue, length);
		dp_exception_drop(queue, DP_DROP_INJECT_MALFORMED, &m, 1);
	}
}

static unsigned
receive(struct dp_exception_queue *queue, unsigned budget, struct dp_scratch *scratch)
{
	struct rte_mbuf *pkts[64];
	if (!dp_exception_can_inject(queue))
		return 0;
	/* One at a time towards a ring that may fill up: can_inject() promises room for one frame of any size. */
	unsigned n = 0;
	while (n < budget && n < 64 && dp_exception_can_inject(queue)) {
		uint16_t got =
			rte_eth_rx_burst(queue->virtio_port_id, queue->virtio_queue_id, pkts, queue->inject ? 1 : 32);
		for (uint16_t i = 0; i < got; i++) {
			uint64_t checksum = pkts[i]->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
			if ((pkts[i]->ol_flags & RTE_MBUF_F_RX_LRO) || checksum == RTE_MBUF_F_RX_L4_CKSUM_NONE)
				inject_unfinished(queue, pkts[i], scratch);
			else
				dp_exception_inject_mbuf(queue, pkts[i]);
		}
		if (got == 0)
			break;
		n += got;
	}
	return n;
}

const struct dp_backend_ops dp_vhost_net_ops = {.punt = dp_vhost_punt, .receive = receive, .arm = arm, .woken = woken};
const struct dp_backend_ops dp_vhost_user_ops = {
	.punt = punt_to_neighbour, .receive = receive, .arm = arm, .woken = woken};
