/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole data plane without node: real EAL, real lcores on net_null, a real tap in a network namespace of its own.
 * An EAL starts once per process, so each scenario is a child.
 */
/* The device events of 22.11. */
#define ALLOW_EXPERIMENTAL_API
#include "dataplane.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pcap/pcap.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include "checks.h"
#include "port.h"
#include "port_offloads.h"
#include "punt_stamp.h"
#include "tx_watch.h"

#define COUNTER_BYTES (1 << 20)
#define DEADLINE_S 30
#define TAP "ext0"

/* UDP from 10.0.0.1:4660 to 10.0.0.2:22136, 64 bytes. */
static const uint8_t udp_frame[64] = {
	2, 0, 0,  0,  0, 1, 2,	0, 0, 0, 0,  2, 8, 0, 0x45, 0,	  0,	50,   0, 0,
	0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0x56, 0x78, 0, 30,
};

struct scenario {
	int counters;
	const uint64_t *slots;
	int wake;
	struct dp_plan plan;
	char eal_texts[24][128];
	char *eal_args[24];
};

static void
ignore_link(void *context, unsigned port, bool up, uint32_t speed_mbps)
{
	(void)context, (void)port, (void)up, (void)speed_mbps;
}

static void
ignore_addresses(void *context)
{
	(void)context;
}

static unsigned removals, returns;

static void
count_removal(void *context, unsigned port)
{
	(void)context, (void)port;
	removals++;
}

static void
count_return(void *context, unsigned port)
{
	(void)context, (void)port;
	returns++;
}

static unsigned taps_replaced;

static void
count_replaced_tap(void *context, unsigned port)
{
	(void)context, (void)port;
	taps_replaced++;
}

static void
ignore_error(void *context, unsigned port, const struct dp_error *error)
{
	(void)context, (void)port, (void)error;
}

static struct dp_filters last_filters;

static void
keep_filters(void *context, unsigned port, const struct dp_filters *filters)
{
	(void)context, (void)port;
	last_filters = *filters;
}

static struct dp_mtu last_mtu;

static void
keep_mtu(void *context, unsigned port, const struct dp_mtu *mtu)
{
	(void)context, (void)port;
	last_mtu = *mtu;
}

static void
ignore_capture(void *context, const struct dp_capture_result *result)
{
	(void)context, (void)result;
}

static const struct dp_events ignore = {
	.capture_ended = ignore_capture,
	.reset = ignore_error,
	.neighbour = ignore_error,
	.filters = keep_filters,
	.mtu = keep_mtu,
	.link = ignore_link,
	.addresses = ignore_addresses,
	.removed = count_removal,
	.returned = count_return,
	.tap_replaced = count_replaced_tap,
};

/* The lowest and the highest CPU we may use; both the same on a machine with one. */
static void
pick_cpus(int *first, int *last)
{
	cpu_set_t set;
	sched_getaffinity(0, sizeof(set), &set);
	*first = -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		*first = *first < 0 ? cpu : *first;
		*last = cpu;
	}
}

static void
add_arg(struct scenario *s, const char *arg)
{
	unsigned i = s->plan.n_eal_args++;
	snprintf(s->eal_texts[i], sizeof(s->eal_texts[i]), "%s", arg);
	s->eal_args[i] = s->eal_texts[i];
}

static void
add_port(struct scenario *s, const char *devargs, uint16_t queues)
{
	struct dp_port_plan *port = &s->plan.ports[s->plan.n_ports];
	snprintf(port->name, sizeof(port->name), "p%u", s->plan.n_ports);
	snprintf(port->devargs, sizeof(port->devargs), "%s", devargs);
	port->queues = queues;
	port->rx_descriptors = port->tx_descriptors = 512;
	port->peer = (uint16_t)(s->plan.n_ports ^ 1);
	port->exception.queues = 1;
	port->tap_offloads = true;
	s->plan.n_ports++;
}

static void
name_tap(struct scenario *s, const char *tap)
{
	snprintf(s->plan.ports[0].exception.tap, sizeof(s->plan.ports[0].exception.tap), "%s", tap);
}

/* A plan of `n_lcores` lcores without ports, and the counter file. */
static void
prepare(struct scenario *s, enum dp_mode mode, unsigned n_lcores)
{
	memset(s, 0, sizeof(*s));
	int first, last = 0;
	pick_cpus(&first, &last);
	char lcores[128], runtime[] = "/tmp/spillway-test-XXXXXX";
	int n = snprintf(lcores, sizeof(lcores), "0@%d", first);
	for (unsigned i = 1; i <= n_lcores; i++)
		n += snprintf(lcores + n, sizeof(lcores) - (size_t)n, ",%u@%d", i, last);
	check(mkdtemp(runtime) != NULL, "makes a runtime folder");
	setenv("RUNTIME_DIRECTORY", runtime, 1);
	const char *const args[] = {"--no-huge",      "--no-shconf", "-m",	     "64",
				    "--no-telemetry", "-a",	     "0000:00:00.0", "--iova-mode=va",
				    "--log-level=4",  "--lcores",    lcores};
	for (unsigned i = 0; i < sizeof(args) / sizeof(args[0]); i++)
		add_arg(s, args[i]);
	s->plan.eal_args = s->eal_args;
	s->plan.n_lcores = n_lcores;
	for (unsigned i = 0; i < n_lcores; i++)
		s->plan.lcore_ids[i] = i + 1;
	s->plan.burst = 32;
	s->plan.mbufs = 8191;
	s->plan.mbuf_cache = 128;
	s->plan.data_room = 2176;
	s->plan.prefill = udp_frame;
	s->plan.prefill_len = sizeof(udp_frame);
	s->plan.mode = mode;
	s->counters = memfd_create("counters", MFD_CLOEXEC);
	check(ftruncate(s->counters, COUNTER_BYTES) == 0, "makes a counter file");
	s->slots = mmap(NULL, COUNTER_BYTES, PROT_READ, MAP_SHARED, s->counters, 0);
	s->wake = eventfd(1, EFD_NONBLOCK); /* always readable: dp_service() never waits */
}

static bool
start(struct scenario *s)
{
	struct dp_error error;
	bool good = dp_start(&s->plan, s->counters, &ignore, &error) == 0;
	return check(good, "starts%s%s %s", good ? "" : ": ", good ? "" : error.call, good ? "" : error.message);
}

static int
swap_rules(const struct dp_rule *rules, unsigned n, struct dp_error *error)
{
	struct dp_classifier *classifier;
	return dp_compile_rules(rules, n, &classifier, error) < 0 ? -1 : dp_swap_rules(rules, n, classifier, error);
}

static bool
swap(const struct dp_rule *rules, unsigned n)
{
	struct dp_error error;
	bool good = swap_rules(rules, n, &error) == 0;
	if (!good)
		check(false, "swaps rules: %s %s", error.subject, error.message);
	return good;
}

static const struct dp_rule forward_all = {.name = "default", .verdict = DP_VERDICT_FORWARD, .klass = DP_CLASS_OTHER};

/* The sum of a counter over all owners whose labels hold `label`. */
static uint64_t
count(const struct scenario *s, const struct dp_layout *layout, const char *name, const char *label)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < layout->n_slots; i++)
		if (strcmp(layout->slots[i].name, name) == 0 && strstr(layout->slots[i].labels, label) != NULL)
			sum += s->slots[layout->slots[i].index];
	return sum;
}

/* Serves the control thread until the counter is above `more_than` or the deadline has passed. */
static bool
wait_for(const struct scenario *s, const char *name, const char *label, uint64_t more_than)
{
	time_t deadline = time(NULL) + DEADLINE_S;
	while (time(NULL) < deadline) {
		struct dp_layout layout = dp_get_layout();
		if (count(s, &layout, name, label) > more_than)
			return true;
		dp_service(s->wake);
	}
	return check(false, "%s{%s} passes %llu", name, label, (unsigned long long)more_than);
}

/* Stops and holds the sums of DESIGN's accounting, and the pools, against the books. */
static void
stop_and_audit(const struct scenario *s, const char *what)
{
	struct dp_layout layout = dp_get_layout(), kept = layout;
	struct dp_slot *slots = malloc(layout.n_slots * sizeof(*slots));
	memcpy(slots, layout.slots, layout.n_slots * sizeof(*slots));
	kept.slots = slots;
	unsigned missing = dp_stop();
	uint64_t rx = count(s, &kept, "rx_packets", ""), forwarded = count(s, &kept, "forwarded_packets", "");
	uint64_t punted = count(s, &kept, "punted_packets", ""), consumed = count(s, &kept, "consumed_packets", "");
	uint64_t injected_drops = count(s, &kept, "dropped_packets", "reason=inject_");
	uint64_t dropped = count(s, &kept, "dropped_packets", "") - injected_drops;
	check(rx == forwarded + punted + consumed + dropped,
	      "%s: rx %llu = forwarded %llu + punted %llu + consumed %llu + dropped %llu", what, (unsigned long long)rx,
	      (unsigned long long)forwarded, (unsigned long long)punted, (unsigned long long)consumed,
	      (unsigned long long)dropped);
	uint64_t tap_rx = count(s, &kept, "tap_rx_frames", ""), injected = count(s, &kept, "injected_frames", "");
	check(tap_rx == injected + injected_drops, "%s: tap_rx_frames %llu = injected %llu + dropped %llu", what,
	      (unsigned long long)tap_rx, (unsigned long long)injected, (unsigned long long)injected_drops);
	check(missing == 0, "%s: every mbuf is back (%u missing)", what, missing);
	free(slots);
}

static void
forwards(enum dp_mode mode, const char *name)
{
	struct scenario s;
	prepare(&s, mode, 1);
	add_port(&s, "net_null0", 0);
	add_port(&s, "net_null1", 0);
	if (!start(&s) || !swap(&forward_all, 1))
		return;
	wait_for(&s, mode == DP_MODE_TXONLY ? "generated_packets" : "rx_packets", "port=p1", 100000);
	stop_and_audit(&s, name);
}

static void
io(void)
{
	forwards(DP_MODE_IO, "io");
}

static void
mac(void)
{
	forwards(DP_MODE_MAC, "mac");
}

static void
macswap(void)
{
	forwards(DP_MODE_MACSWAP, "macswap");
}

static void
rxonly(void)
{
	forwards(DP_MODE_RXONLY, "rxonly");
}

static void
txonly(void)
{
	forwards(DP_MODE_TXONLY, "txonly");
}

static void
icmpecho(void)
{
	forwards(DP_MODE_ICMPECHO, "icmpecho");
}

static void
bad_length(const char *devargs, const char *reason)
{
	struct scenario s;
	prepare(&s, DP_MODE_MACSWAP, 1);
	add_port(&s, devargs, 0);
	add_port(&s, "net_null1,no-rx=1", 0);
	if (!start(&s) || !swap(&forward_all, 1))
		return;
	wait_for(&s, "dropped_packets", reason, 10000);
	struct dp_layout layout = dp_get_layout();
	check(count(&s, &layout, "forwarded_packets", "") == 0, "%s: none is forwarded", reason);
	stop_and_audit(&s, reason);
}

static void
runts(void)
{
	bad_length("net_null0,size=13", "reason=runt");
}

static void
oversize(void)
{
	bad_length("net_null0,size=1523", "reason=oversize");
}

/* Two lcores, the second port has one queue: what the second lcore forwards goes through the first. */
static void
handover(void)
{
	struct scenario s;
	prepare(&s, DP_MODE_MACSWAP, 2);
	s.plan.sleep_when_idle = true;
	add_port(&s, "net_null0", 2);
	add_port(&s, "net_null1,no-rx=1", 1);
	if (!start(&s) || !swap(&forward_all, 1))
		return;
	wait_for(&s, "rx_packets", "port=p0,queue=1", 100000);
	wait_for(&s, "rx_packets", "port=p0,queue=0", 100000);
	stop_and_audit(&s, "hand-over");
}

static void
rules(void)
{
	static const char *const noise[] = {"udp port 514", "udp port 22136"};
	const struct dp_rule list[] = {
		{.name = "noise", .match = noise, .n_match = 2, .verdict = DP_VERDICT_DROP, .klass = DP_CLASS_OTHER},
		forward_all,
	};
	struct scenario s;
	prepare(&s, DP_MODE_IO, 1);
	add_port(&s, "net_null0", 0);
	add_port(&s, "net_null1,no-rx=1", 0);
	if (!start(&s) || !swap(list, 2))
		return;
	wait_for(&s, "dropped_packets", "reason=rule,", 100000);
	struct dp_layout layout = dp_get_layout();
	check(count(&s, &layout, "rule_packets", "rule=default") == 0, "the default sees nothing");
	stop_and_audit(&s, "rules");
}

/* What the rules of `layout` have counted; of the generation before the one in force it is final. */
static uint64_t
count_rules(const struct scenario *s, const struct dp_layout *layout, struct dp_slot *slots)
{
	struct dp_layout kept = {.n_slots = layout->n_slots, .slots = slots};
	return count(s, &kept, "rule_packets", "");
}

/*
 * Under load, back and forth between two lists that both forward every packet: none is dropped, and each is counted by
 * just one rule of one of them. The sanitizers watch the memory of the lists that went.
 */
static void
thousand_swaps(void)
{
	static const char *const never[] = {"tcp"}, *const one[] = {"udp port 514", "udp port 22136"},
				 *const other[] = {"udp"};
	const struct dp_rule lists[2][3] = {
		{{.name = "never", .match = never, .n_match = 1, .verdict = DP_VERDICT_DROP, .klass = DP_CLASS_OTHER},
		 {.name = "one", .match = one, .n_match = 2, .verdict = DP_VERDICT_FORWARD, .klass = DP_CLASS_OTHER},
		 forward_all},
		{{.name = "other",
		  .match = other,
		  .n_match = 1,
		  .verdict = DP_VERDICT_FORWARD,
		  .klass = DP_CLASS_OTHER},
		 {.name = "never", .match = never, .n_match = 1, .verdict = DP_VERDICT_DROP, .klass = DP_CLASS_OTHER},
		 forward_all},
	};
	struct scenario s;
	prepare(&s, DP_MODE_IO, 1);
	add_port(&s, "net_null0", 0);
	add_port(&s, "net_null1", 0);
	if (!start(&s) || !swap(lists[0], 3))
		return;
	wait_for(&s, "rule_packets", "rule=one", 1000);
	uint64_t by_rules = 0, moved = 0;
	static struct dp_slot slots[4096];
	struct dp_layout layout = {0};
	for (int i = 1; i <= 1000; i++) {
		layout = dp_get_layout();
		memcpy(slots, layout.slots, layout.n_slots * sizeof(*slots));
		if (!swap(lists[i % 2], 3))
			return;
		uint64_t counted = count_rules(&s, &layout, slots);
		by_rules += counted;
		moved += counted > 0;
		dp_service(s.wake);
	}
	layout = dp_get_layout();
	memcpy(slots, layout.slots, layout.n_slots * sizeof(*slots));
	layout.slots = slots;
	stop_and_audit(&s, "1,000 swaps");
	by_rules += count_rules(&s, &layout, slots);
	uint64_t rx = count(&s, &layout, "rx_packets", "");
	check(moved > 500, "traffic went on: %llu of 1,000 lists saw packets", (unsigned long long)moved);
	check(by_rules == rx, "rules counted %llu of %llu packets", (unsigned long long)by_rules,
	      (unsigned long long)rx);
	check(count(&s, &layout, "forwarded_packets", "") + count(&s, &layout, "dropped_packets", "reason=tx_full") ==
		      rx,
	      "and each was forwarded");
}

static struct dp_capture_result captured;
static unsigned captures_ended;

static void
keep_capture(void *context, const struct dp_capture_result *result)
{
	(void)context;
	captured = *result;
	captures_ended++;
}

/* Somebody who listens where a capture connects to; -1 when that failed. */
static int
listen_for_capture(struct dp_capture_plan *plan)
{
	snprintf(plan->socket, sizeof(plan->socket), "%s/capture", getenv("RUNTIME_DIRECTORY"));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, plan->socket, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bool good = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 4) == 0;
	check(good, "listens for captures");
	return good ? fd : -1;
}

/* Reads and checks whole blocks until the other end closes; returns how many were packets. */
static unsigned
read_blocks(int fd)
{
	unsigned packets = 0;
	static uint8_t block[4096];
	uint32_t head[2];
	while (recv(fd, head, sizeof(head), MSG_WAITALL) == sizeof(head)) {
		uint32_t rest = head[1] - sizeof(head), end;
		if (!check(head[1] <= sizeof(block) && recv(fd, block, rest, MSG_WAITALL) == rest, "a whole block"))
			break;
		memcpy(&end, block + rest - sizeof(end), sizeof(end));
		if (end != head[1] && !check(false, "a block of %u bytes ends as one of %u", head[1], end))
			break;
		packets += head[0] == 6;
	}
	return packets;
}

/* One that ends by itself, one that is ended while nobody reads it, and one that a stop ends. */
static void
capture(void)
{
	struct scenario s;
	prepare(&s, DP_MODE_IO, 1);
	add_port(&s, "net_null0", 0);
	add_port(&s, "net_null1,no-rx=1", 0);
	struct dp_events events = ignore;
	events.capture_ended = keep_capture;
	struct dp_error error;
	struct dp_capture_plan plan = {.points = 1 << DP_CAPTURE_RECEIVED | 1 << DP_CAPTURE_FORWARDED,
				       .ports = 1,
				       .snaplen = 100,
				       .sample = 3,
				       .pps = 1000000,
				       .count = 200};
	int listener = listen_for_capture(&plan);
	if (listener < 0 || !check(dp_start(&s.plan, s.counters, &events, &error) == 0, "starts") ||
	    !swap(&forward_all, 1))
		return;
	check(dp_capture_start(&plan, NULL, &error) == 0, "captures: %s", error.message);
	check(dp_capture_start(&plan, NULL, &error) < 0 && error.errnum == EBUSY, "one capture at a time");
	int reader = accept(listener, NULL, NULL);
	check(read_blocks(reader) == 200, "writes as many packets as asked");
	close(reader);
	for (time_t deadline = time(NULL) + DEADLINE_S; captures_ended == 0 && time(NULL) < deadline;)
		dp_service(s.wake);
	check(captures_ended == 1 && captured.written == 200 && captured.errnum == 0, "tells its end");
	check(captured.passed > captured.skipped && captured.cycles > 0, "and what it cost");

	plan.count = plan.pps = 0;
	plan.sample = 1;
	const char *const filter[] = {"udp"};
	const struct dp_rule rules[] = {{.name = "filter", .match = filter, .n_match = 1}, forward_all};
	struct dp_classifier *classifier;
	check(dp_compile_rules(rules, 2, &classifier, &error) == 0 && dp_capture_start(&plan, classifier, &error) == 0,
	      "captures with a filter");
	reader = accept(listener, NULL, NULL);
	wait_for(&s, "rx_packets", "port=p0", 5000000);
	dp_capture_stop();
	check(captures_ended == 2 && captured.missed > 0, "ends although nobody reads, and missed %llu",
	      (unsigned long long)captured.missed);
	close(reader);

	check(dp_capture_start(&plan, NULL, &error) == 0, "captures once more");
	reader = accept(listener, NULL, NULL);
	close(listener);
	stop_and_audit(&s, "capture");
	check(captures_ended == 3, "a stop ends the capture");
	close(reader);
}

static int neighbour_errnums[2];

static void
keep_neighbour(void *context, unsigned port, const struct dp_error *why)
{
	(void)context;
	neighbour_errnums[port] = why == NULL ? 0 : why->errnum;
}

static void
meet_at_socket(struct scenario *s, unsigned port, bool server)
{
	struct dp_exception_plan *plan = &s->plan.ports[port].exception;
	plan->backend = DP_BACKEND_VHOST_USER;
	plan->queue_size = 256;
	plan->server = server;
	snprintf(plan->socket, sizeof(plan->socket), "%s/p%u", getenv("RUNTIME_DIRECTORY"), port);
}

/* Connects to `plan`'s socket and leaves: DPDK's driver fails in its handshake. */
static bool
visit(const struct dp_exception_plan *plan)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, plan->socket, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool met = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return met;
}

/* What virtio-user keeps of a device whose handshake failed, which ends a server's wait (22.11). */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:librte_net_virtio\nleak:rte_intr_instance_alloc\n";
}

/* One as server, one as client; a visitor who does not stay; and a stop while both wait. */
static void
neighbours_are_waited_for(void)
{
	struct scenario s;
	signal(SIGPIPE, SIG_IGN);
	prepare(&s, DP_MODE_RXONLY, 1);
	add_port(&s, "net_null0", 0);
	add_port(&s, "net_null1,no-rx=1", 0);
	meet_at_socket(&s, 0, true);
	meet_at_socket(&s, 1, false);
	struct dp_events events = ignore;
	events.neighbour = keep_neighbour;
	struct dp_error error;
	if (!check(dp_start(&s.plan, s.counters, &events, &error) == 0, "starts without neighbours"))
		return;
	const struct dp_rule to_neighbour[] = {{.name = "all", .verdict = DP_VERDICT_KERNEL, .klass = DP_CLASS_OTHER}};
	swap(to_neighbour, 1);
	wait_for(&s, "dropped_packets", "port=p0,reason=neighbour_down", 1000);
	for (time_t deadline = time(NULL) + DEADLINE_S; neighbour_errnums[1] == 0 && time(NULL) < deadline;)
		dp_service(s.wake);
	check(neighbour_errnums[1] == ENOENT, "the client says that there is no socket");
	for (int visits = 0; visits < 3;) {
		dp_service(s.wake);
		visits += visit(&s.plan.ports[0].exception);
	}
	stop_and_audit(&s, "neighbours that are waited for");
	check(access(s.plan.ports[0].exception.socket, F_OK) < 0, "leaves no socket behind");
}

static void
bad_rule_keeps_the_old_list(void)
{
	static const char *const broken[] = {"udp prot 514"};
	const struct dp_rule list[] = {
		{.name = "typo", .match = broken, .n_match = 1, .verdict = DP_VERDICT_DROP, .klass = DP_CLASS_OTHER},
		forward_all,
	};
	struct scenario s;
	prepare(&s, DP_MODE_IO, 1);
	add_port(&s, "net_null0", 0);
	add_port(&s, "net_null1,no-rx=1", 0);
	if (!start(&s) || !swap(&forward_all, 1))
		return;
	struct dp_error error;
	int rc = swap_rules(list, 2, &error);
	check(rc < 0 && strcmp(error.subject, "typo") == 0 && strcmp(error.call, "pcap_compile") == 0,
	      "refuses the list and names rule and call: %s %s %s", error.call, error.subject, error.message);
	check(swap_rules(list, 1, &error) < 0, "refuses a list whose last rule does not match everything");
	wait_for(&s, "rule_packets", "rule=default", 100000);
	stop_and_audit(&s, "refused list");
}

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return good;
}

/* Makes the tap persistent, and up or down; or makes it go. */
static bool
set_tap(bool exists, bool up)
{
	int tun = open("/dev/net/tun", O_RDWR), sock = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", TAP);
	bool good = ioctl(tun, TUNSETIFF, &request) == 0 && ioctl(tun, TUNSETPERSIST, exists) == 0;
	request.ifr_flags = up ? IFF_UP : 0;
	good = good && (!exists || ioctl(sock, SIOCSIFFLAGS, &request) == 0);
	close(tun);
	close(sock);
	return good;
}

/* A user and network namespace of our own, and in it a tap. */
static bool
make_tap(bool up)
{
	char map[64];
	unsigned uid = getuid(), gid = getgid();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return check(false, "makes namespaces: %s", strerror(errno));
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
	bool good = set_tap(true, up);
	return check(good, "makes a tap%s", good ? "" : strerror(errno));
}

/* About one in DP_STAMP_EVERY punted packets was timed, and nobody of those that did not arrive. */
static void
check_latency(const struct scenario *s, const char *what)
{
	struct dp_layout layout = dp_get_layout();
	uint64_t timed = count(s, &layout, "punt_latency", "class=other");
	uint64_t punted = count(s, &layout, "punted_packets", "class=other");
	uint64_t expected = punted / DP_STAMP_EVERY;
	check(punted == 0 ? timed == 0 : timed > 0 && timed < 2 * expected + 10,
	      "%s: %" PRIu64 " of %" PRIu64 " punted packets were timed", what, timed, punted);
}

/* Everything goes to the kernel at a rate that no tap takes: rings overflow, the limit bites, the rest arrives. */
static void
punt_everything(bool up, struct dp_limit limit, const char *until_name, const char *until_label, const char *what)
{
	static const char *const all[] = {"udp"};
	const struct dp_rule list[] = {
		{.name = "all", .match = all, .n_match = 1, .verdict = DP_VERDICT_KERNEL, .klass = DP_CLASS_OTHER},
		forward_all,
	};
	struct scenario s;
	if (!make_tap(up))
		return;
	prepare(&s, DP_MODE_MACSWAP, 1);
	add_port(&s, "net_null0", 0);
	add_port(&s, "net_null1,no-rx=1", 0);
	s.plan.ports[0].exception.backend = DP_BACKEND_TAP;
	name_tap(&s, TAP);
	s.plan.exception_limit = limit;
	if (!start(&s) || !swap(list, 2))
		return;
	wait_for(&s, until_name, until_label, 5000);
	check_latency(&s, what);
	stop_and_audit(&s, what);
}

static void
exception_flood(void)
{
	punt_everything(true, (struct dp_limit){0}, "punted_packets", "class=other", "flood to the tap");
}

static void
exception_limit(void)
{
	punt_everything(true, (struct dp_limit){.pps = 1000, .burst = 64}, "dropped_packets", "reason=exception_limit",
			"flood above the limit");
}

static void
tap_is_down(void)
{
	punt_everything(false, (struct dp_limit){0}, "dropped_packets", "reason=tap_down",
			"flood to a tap that is down");
}

/* TCP flows of eight segments each, by turns, as one burst. */
#define MERGED_FLOWS 4
#define MERGED_SEGMENTS 8
#define MERGED_PAYLOAD 100

struct merged_flow {
	bool ipv6;
	unsigned tags;
};

static const struct merged_flow merged_flows[MERGED_FLOWS] = {{false, 0}, {true, 0}, {false, 1}, {true, 2}};

static uint32_t
sum_words(uint32_t sum, const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void
put_word(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* Writes segment `i` of flow `f`; its payload is all `i`. Returns the frame's length. */
static unsigned
make_segment(uint8_t *frame, unsigned f, unsigned i)
{
	const struct merged_flow *flow = &merged_flows[f];
	const unsigned l4_length = 20 + MERGED_PAYLOAD, addresses = flow->ipv6 ? 32 : 8;
	memset(frame, 0, 14 + 8 + 40 + l4_length);
	frame[0] = frame[6] = 2;
	frame[11] = (uint8_t)f;
	uint8_t *ip = frame + 14 + 4 * flow->tags, *l4 = ip + (flow->ipv6 ? 40 : 20);
	for (unsigned t = 0; t < flow->tags; t++) {
		put_word(frame + 12 + 4 * t, t + 1 < flow->tags ? 0x88a8 : 0x8100);
		put_word(frame + 14 + 4 * t, 7);
	}
	put_word(ip - 2, flow->ipv6 ? 0x86dd : 0x0800);
	if (flow->ipv6) {
		ip[0] = 0x60;
		put_word(ip + 4, l4_length);
		put_word(ip + 6, 0x0640);
	} else {
		ip[0] = 0x45;
		put_word(ip + 2, 20 + l4_length);
		put_word(ip + 4, i);
		put_word(ip + 6, 0x4000);
		put_word(ip + 8, 0x4006);
	}
	ip[flow->ipv6 ? 8 : 12] = ip[flow->ipv6 ? 24 : 16] = 10;
	if (!flow->ipv6)
		put_word(ip + 10, ~sum_words(0, ip, 20));
	put_word(l4 + 2, 80);
	put_word(l4 + 6, i * MERGED_PAYLOAD);
	put_word(l4 + 12, 0x5010);
	memset(l4 + 20, (int)i, MERGED_PAYLOAD);
	put_word(l4 + 16, ~sum_words(sum_words(6 + l4_length, l4 - addresses, addresses), l4, l4_length));
	return (unsigned)(l4 - frame) + l4_length;
}

static bool
write_segments(const char *path)
{
	static const uint32_t header[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1};
	FILE *file = fopen(path, "w");
	if (file == NULL)
		return false;
	fwrite(header, sizeof(header), 1, file);
	for (unsigned n = 0; n < MERGED_FLOWS * MERGED_SEGMENTS; n++) {
		uint8_t frame[256];
		uint32_t length = make_segment(frame, n % MERGED_FLOWS, n / MERGED_FLOWS);
		const uint32_t record[4] = {0, 0, length, length};
		fwrite(record, sizeof(record), 1, file);
		fwrite(frame, length, 1, file);
	}
	return fclose(file) == 0;
}

/* A packet socket at the tap that tells of each frame what the kernel knows of its segmentation. */
static int
listen_at_tap(void)
{
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	struct ifreq request = {.ifr_name = TAP};
	if (fd < 0 || ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return -1;
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = request.ifr_ifindex,
	};
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) < 0)
		return -1;
	return fd;
}

/* What the kernel hands over has lost its outer tag. */
static bool
is_merged(const uint8_t *data, ssize_t length, unsigned f)
{
	const struct merged_flow *flow = &merged_flows[f];
	struct virtio_net_hdr header;
	memcpy(&header, data, sizeof(header));
	const uint8_t *frame = data + sizeof(header);
	unsigned tags = flow->tags > 0 ? flow->tags - 1 : 0, headers = 14 + 4 * tags + (flow->ipv6 ? 40 : 20) + 20;
	if (length != (ssize_t)(sizeof(header) + headers + MERGED_SEGMENTS * MERGED_PAYLOAD) || frame[11] != f)
		return false;
	bool payload_is_right = true;
	for (unsigned i = 0; i < MERGED_SEGMENTS * MERGED_PAYLOAD; i++)
		payload_is_right &= frame[headers + i] == i / MERGED_PAYLOAD;
	return payload_is_right && (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 &&
	       header.gso_size == MERGED_PAYLOAD &&
	       header.gso_type == (flow->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4);
}

/* The kernel's own packets, as those of IPv6, may come in between: they are no GSO frames. */
static unsigned
merged_frames(int fd)
{
	unsigned n = 0;
	uint8_t data[4096];
	for (ssize_t length; (length = recv(fd, data, sizeof(data), 0)) > 0;)
		for (unsigned f = 0; f < MERGED_FLOWS; f++)
			n += is_merged(data, length, f);
	return n;
}

static void
merged_segments(void)
{
	static const struct dp_rule all = {.name = "default", .verdict = DP_VERDICT_KERNEL, .klass = DP_CLASS_OTHER};
	struct scenario s;
	char path[128], devargs[256];
	if (!make_tap(true))
		return;
	int fd = listen_at_tap();
	prepare(&s, DP_MODE_RXONLY, 1);
	snprintf(path, sizeof(path), "%s/segments.pcap", getenv("RUNTIME_DIRECTORY"));
	check(fd >= 0 && write_segments(path), "listens at the tap, writes segments");
	snprintf(devargs, sizeof(devargs), "net_pcap0,rx_pcap=%s", path);
	add_port(&s, devargs, 0);
	s.plan.ports[0].peer = 0;
	s.plan.ports[0].exception.backend = DP_BACKEND_TAP;
	name_tap(&s, TAP);
	if (!start(&s) || !swap(&all, 1))
		return;
	wait_for(&s, "punted_packets", "class=other", MERGED_FLOWS * MERGED_SEGMENTS - 1);
	struct dp_layout layout = dp_get_layout();
	uint64_t merged = count(&s, &layout, "punted_merged_packets", "");
	check(merged == MERGED_FLOWS * (MERGED_SEGMENTS - 1), "all but the first of each flow are counted as merged");
	unsigned frames = merged_frames(fd);
	check(frames == MERGED_FLOWS, "the kernel takes each flow as one frame, tagged or not: %u of %u", frames,
	      MERGED_FLOWS);
	close(fd);
	stop_and_audit(&s, "merged segments");
}

#define LONG_MTU 9000
#define LONG_FRAME (14 + LONG_MTU)

/* UDP to port `port`, as long as a frame of LONG_MTU may be. */
static void
make_long_frame(uint8_t *frame, uint16_t port)
{
	memcpy(frame, udp_frame, sizeof(udp_frame));
	for (unsigned i = 42; i < LONG_FRAME; i++)
		frame[i] = (uint8_t)(i * 7 + port);
	frame[16] = LONG_MTU >> 8;
	frame[17] = LONG_MTU & 0xff;
	frame[36] = (uint8_t)(port >> 8);
	frame[37] = (uint8_t)port;
}

static bool
write_pcap(const char *path, uint8_t frames[][LONG_FRAME], unsigned n)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *file = pcap_dump_open(pcap, path);
	for (unsigned i = 0; file != NULL && i < n; i++) {
		struct pcap_pkthdr header = {.caplen = LONG_FRAME, .len = LONG_FRAME};
		pcap_dump((u_char *)file, &header, frames[i]);
	}
	if (file != NULL)
		pcap_dump_close(file);
	pcap_close(pcap);
	return file != NULL;
}

/* How many frames of the file are this one. */
static unsigned
count_in_pcap(const char *path, const uint8_t *frame)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, text);
	struct pcap_pkthdr *header;
	const u_char *bytes;
	unsigned n = 0;
	while (pcap != NULL && pcap_next_ex(pcap, &header, &bytes) == 1)
		n += header->len == LONG_FRAME && memcmp(bytes, frame, LONG_FRAME) == 0;
	if (pcap != NULL)
		pcap_close(pcap);
	return n;
}

/* A socket that sees and sends frames at the kernel's side of the tap, whose MTU becomes LONG_MTU. */
static int
open_tap_side(void)
{
	int sock = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	struct ifreq request = {.ifr_mtu = LONG_MTU};
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", TAP);
	bool good = ioctl(sock, SIOCSIFMTU, &request) == 0 && ioctl(sock, SIOCGIFINDEX, &request) == 0;
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	address.sll_ifindex = request.ifr_ifindex;
	good = good && bind(sock, (struct sockaddr *)&address, sizeof(address)) == 0;
	return check(good, "opens the tap's other side") ? sock : -1;
}

/* Whether the frame is among those that the tap has got. */
static bool
has_arrived(int sock, const uint8_t *frame)
{
	static uint8_t bytes[65536];
	struct sockaddr_ll from = {0};
	socklen_t size = sizeof(from);
	ssize_t n;
	while ((n = recvfrom(sock, bytes, sizeof(bytes), MSG_DONTWAIT, (struct sockaddr *)&from, &size)) >= 0)
		if (from.sll_pkttype != PACKET_OUTGOING && n == LONG_FRAME && memcmp(bytes, frame, LONG_FRAME) == 0)
			return true;
	return false;
}

/* Frames of five mbufs: to the kernel, along the fast path, from the kernel. */
static void
frames_of_several_mbufs(void)
{
	enum { TO_KERNEL, FORWARDED, FROM_KERNEL };
	static uint8_t frames[3][LONG_FRAME], swapped[LONG_FRAME];
	static const char *const punted[] = {"udp port 7777"};
	const struct dp_rule list[] = {
		{.name = "punted", .match = punted, .n_match = 1, .verdict = DP_VERDICT_KERNEL},
		forward_all,
	};
	struct scenario s;
	if (!make_tap(true))
		return;
	prepare(&s, DP_MODE_MACSWAP, 1);
	char in[64], out[64], devargs[256];
	snprintf(in, sizeof(in), "%s/in.pcap", getenv("RUNTIME_DIRECTORY"));
	snprintf(out, sizeof(out), "%s/out.pcap", getenv("RUNTIME_DIRECTORY"));
	for (unsigned i = 0; i < 3; i++)
		make_long_frame(frames[i], (uint16_t)(7777 + i));
	memcpy(swapped, frames[FORWARDED], LONG_FRAME);
	memcpy(swapped, frames[FORWARDED] + 6, 6);
	memcpy(swapped + 6, frames[FORWARDED], 6);
	check(write_pcap(in, frames, 2), "writes %s", in);
	snprintf(devargs, sizeof(devargs), "net_pcap0,rx_pcap=%s,tx_pcap=%s", in, out);
	add_port(&s, devargs, 1);
	s.plan.prefill = NULL;
	s.plan.ports[0].mtu = LONG_MTU;
	s.plan.ports[0].peer = 0;
	s.plan.ports[0].exception.backend = DP_BACKEND_TAP;
	name_tap(&s, TAP);
	int sock = open_tap_side();
	if (sock < 0 || !start(&s) || !swap(list, 2))
		return;
	check(send(sock, frames[FROM_KERNEL], LONG_FRAME, 0) == LONG_FRAME, "the kernel sends a long frame");
	wait_for(&s, "punted_packets", "", 0);
	wait_for(&s, "forwarded_packets", "", 0);
	wait_for(&s, "tap_rx_bytes", "", LONG_FRAME - 1);
	check(has_arrived(sock, frames[TO_KERNEL]), "the punted frame is at the tap, byte for byte");
	stop_and_audit(&s, "frames of several mbufs");
	check(count_in_pcap(out, swapped) == 1, "the forwarded frame left, byte for byte");
	check(count_in_pcap(out, frames[FROM_KERNEL]) == 1, "the kernel's frame left, byte for byte");
	close(sock);
}

/* What a device is asked for, by what it can and what is wanted: nothing that costs without need. */
static void
offloads_of_devices(void)
{
	const uint64_t many_tx = RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |
				 RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
				 RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_MULTI_SEGS |
				 RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	const uint64_t many_rx = RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_VLAN_FILTER |
				 RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_SCATTER;
	const uint64_t fast = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE, pieces = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	const uint64_t tso = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	const uint64_t checksum = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
	const struct dp_port_traffic plain = {.one_mempool = true, .one_mbuf = true};
	const struct dp_port_traffic two_nodes = {.one_mbuf = true}, long_frames = {.one_mempool = true};
	const struct {
		const char *what;
		uint64_t rx_capa, tx_capa;
		struct dp_port_wish wish;
		struct dp_port_offloads chosen;
	} cases[] = {
		{"a device that can nothing", 0, 0, {.tso = true, .rx_checksum = true, .traffic = long_frames}, {0}},
		{"nothing wanted: no offload but fast free", many_rx, many_tx, {.traffic = plain}, {.tx = fast}},
		{"two mempools: no fast free", many_rx, many_tx, {.traffic = two_nodes}, {0}},
		{"frames of several mbufs: no fast free",
		 many_rx,
		 many_tx,
		 {.traffic = long_frames},
		 {.rx = RTE_ETH_RX_OFFLOAD_SCATTER, .tx = pieces}},
		{"TSO: with all that belongs to it, and no fast free",
		 many_rx,
		 many_tx,
		 {.tso = true, .traffic = plain},
		 {.tx = tso | pieces, .tso = true}},
		{"TSO without TCP checksums: not at all",
		 many_rx,
		 many_tx & ~RTE_ETH_TX_OFFLOAD_TCP_CKSUM,
		 {.tso = true, .traffic = plain},
		 {.tx = fast}},
		{"checksums of what it receives",
		 many_rx,
		 many_tx,
		 {.rx_checksum = true, .traffic = plain},
		 {.rx = checksum, .tx = fast, .rx_checksum = true}},
		{"of TCP alone: not at all",
		 RTE_ETH_RX_OFFLOAD_TCP_CKSUM,
		 0,
		 {.rx_checksum = true, .traffic = plain},
		 {0}},
		{"VLANs that it is told",
		 many_rx,
		 0,
		 {.vlan_filter = true, .traffic = plain},
		 {.rx = RTE_ETH_RX_OFFLOAD_VLAN_FILTER}},
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct dp_port_offloads found =
			dp_port_offloads_choose(cases[i].rx_capa, cases[i].tx_capa, &cases[i].wish);
		const struct dp_port_offloads *expected = &cases[i].chosen;
		check(found.rx == expected->rx && found.tx == expected->tx && found.tso == expected->tso &&
			      found.rx_checksum == expected->rx_checksum,
		      "%s: rx %#lx, tx %#lx", cases[i].what, found.rx, found.tx);
	}
}

static void
refuses_start(const char *tap, uint16_t queues, const char *call, int errnum)
{
	struct scenario s;
	struct dp_error error = {0};
	if (!make_tap(true))
		return;
	prepare(&s, DP_MODE_MACSWAP, 1);
	add_port(&s, "net_null0", 0);
	s.plan.ports[0].peer = 0;
	s.plan.ports[0].exception.backend = DP_BACKEND_TAP;
	s.plan.ports[0].exception.queues = queues;
	name_tap(&s, tap);
	int rc = dp_start(&s.plan, s.counters, &ignore, &error);
	check(rc < 0 && error.errnum == errnum && strcmp(error.call, call) == 0,
	      "refuses tap %s with %u queues: %s %s: %s", tap, queues, error.call == NULL ? "" : error.call,
	      strerror(error.errnum), error.message);
}

/* virtio-user has 8 before DPDK 23.03: the start says so, not a connector that tries for ever. */
static void
many_queues_to_a_neighbour(void)
{
	struct scenario s;
	struct dp_error error = {0};
	prepare(&s, DP_MODE_MACSWAP, 1);
	add_port(&s, "net_null0", 0);
	s.plan.ports[0].peer = 0;
	meet_at_socket(&s, 0, true);
	s.plan.ports[0].exception.queues = 9;
	int rc = dp_start(&s.plan, s.counters, &ignore, &error);
	if (strcmp(dp_version(), "23.03") < 0)
		check(rc < 0 && error.errnum == ERANGE && strcmp(error.subject, s.plan.ports[0].exception.socket) == 0,
		      "refuses 9 queues to a neighbour: %s: %s", error.subject, error.message);
	else
		check(rc == 0, "has 9 queues to a neighbour: %s", error.message);
}

/* A stop that was asked for while a start was failing: everything is already gone. */
static void
stop_after_failed_start(void)
{
	refuses_start("nosuch", 1, "tap_lookup", ENODEV);
	check(dp_stop() == 0, "a stop after a failed start finds nothing to do");
	struct dp_error error;
	check(swap_rules(&forward_all, 1, &error) < 0 && error.errnum == ESHUTDOWN, "and a rule list is refused");
}

static bool
run_ip(const char *arguments)
{
	char command[160];
	snprintf(command, sizeof(command), "ip link %s", arguments);
	return system(command) == 0;
}

/* Deleted under us it is down; made again it is another netdev, which only a new start attaches to. */
static void
tap_is_replaced(void)
{
	struct scenario s;
	if (!make_tap(true))
		return;
	prepare(&s, DP_MODE_MACSWAP, 1);
	add_port(&s, "net_null0,no-rx=1", 0);
	s.plan.ports[0].peer = 0;
	s.plan.ports[0].exception.backend = DP_BACKEND_TAP;
	name_tap(&s, TAP);
	if (!start(&s) || !swap(&forward_all, 1))
		return;
	wait_for(&s, "tap_up", "tap=" TAP, 0);
	check(run_ip("delete " TAP), "deletes the tap");
	struct dp_layout layout = dp_get_layout();
	time_t deadline = time(NULL) + DEADLINE_S;
	while (time(NULL) < deadline && count(&s, &layout, "tap_up", "") != 0)
		dp_service(s.wake);
	check(count(&s, &layout, "tap_up", "") == 0 && taps_replaced == 0, "a tap that is gone is down");
	check(set_tap(true, true), "makes it again");
	while (time(NULL) < deadline && taps_replaced == 0)
		dp_service(s.wake);
	check(taps_replaced == 1 && count(&s, &layout, "tap_up", "") == 0,
	      "tells that it was replaced, and stays down");
	stop_and_audit(&s, "replaced tap");
}

/* Serves the control thread until `true_now` or the deadline has passed. */
static bool
eventually(const struct scenario *s, bool (*true_now)(void))
{
	time_t deadline = time(NULL) + DEADLINE_S;
	while (!true_now() && time(NULL) < deadline)
		dp_service(s->wake);
	return true_now();
}

static bool
start_with_tap(struct scenario *s, const char *devargs)
{
	if (!make_tap(true))
		return false;
	prepare(s, DP_MODE_MACSWAP, 1);
	add_port(s, devargs, 0);
	add_port(s, "net_null1,no-rx=1", 0);
	s->plan.ports[0].exception.backend = DP_BACKEND_TAP;
	s->plan.ports[0].follow_mtu = true;
	name_tap(s, TAP);
	return start(s) && swap(&forward_all, 1);
}

static bool
port_has_1800(void)
{
	return last_mtu.port == 1800 && last_mtu.tap == 1800 && last_mtu.limit == DP_MTU_FREE;
}

static bool
tap_has_9000(void)
{
	return last_mtu.tap == 9000;
}

static bool
tap_has_1400(void)
{
	return last_mtu.tap == 1400;
}

/* Frames of 1600 bytes: too long for an MTU of 1500, and not for 1800. */
static void
mtu_follows_the_tap(void)
{
	struct scenario s;
	if (!start_with_tap(&s, "net_null0,size=1600"))
		return;
	wait_for(&s, "dropped_packets", "reason=oversize", 1000);
	check(run_ip("set " TAP " mtu 1800") && eventually(&s, port_has_1800), "the port follows to 1800 bytes");
	wait_for(&s, "forwarded_packets", "port=p0", 1000);
	check(run_ip("set " TAP " mtu 9000") && eventually(&s, tap_has_9000), "the tap asks for 9000 bytes");
	check(last_mtu.port == 1800 && last_mtu.limit == DP_MTU_MBUF && last_mtu.most == 2022,
	      "which no mbuf of this start holds: %u is the most", last_mtu.most);
	struct dp_layout layout = dp_get_layout();
	uint64_t dropped = count(&s, &layout, "dropped_packets", "reason=oversize");
	check(run_ip("set " TAP " mtu 1400") && eventually(&s, tap_has_1400), "the tap becomes short");
	check(last_mtu.port == 1500, "the port is never shorter than by itself: %u", last_mtu.port);
	wait_for(&s, "dropped_packets", "reason=oversize", dropped + 1000);
	stop_and_audit(&s, "MTU");
}

static bool
is_removed(void)
{
	return removals == 1;
}

static bool
is_back(void)
{
	return returns == 1;
}

/* What EAL's interrupt thread does when the kernel wants a VFIO device back. The ring brings back what it is given. */
static void
device_leaves_and_returns(void)
{
	struct scenario s;
	prepare(&s, DP_MODE_TXONLY, 1);
	add_port(&s, "net_ring0", 0);
	s.plan.ports[0].peer = 0;
	if (!start(&s) || !swap(&forward_all, 1))
		return;
	wait_for(&s, "consumed_packets", "port=p0", 1000);
	rte_dev_event_callback_process("net_ring0", RTE_DEV_EVENT_REMOVE);
	check(eventually(&s, is_removed), "the port lets go of its device");
	uint16_t id;
	check(rte_eth_dev_get_port_by_name("net_ring0", &id) == -ENODEV, "and EAL has it no more");
	struct dp_layout layout = dp_get_layout();
	check(count(&s, &layout, "port_link_up", "port=p0") == 0, "its link is down");
	uint64_t before = count(&s, &layout, "consumed_packets", "port=p0");
	check(eventually(&s, is_back), "the device is probed again");
	wait_for(&s, "consumed_packets", "port=p0", before + 1000);
	check(removals == 1 && returns == 1, "once each");
	check(wait_for(&s, "port_link_up", "port=p0", 0), "its link is up");
	dp_stop();
}

/* The next connection to a neighbour that is ours. */
static int
accept_one(const struct scenario *s, int listener)
{
	int fd = -1;
	for (time_t deadline = time(NULL) + DEADLINE_S; fd < 0 && time(NULL) < deadline;) {
		dp_service(s->wake);
		fd = accept(listener, NULL, NULL);
	}
	return fd;
}

/* A neighbour that answers the connector and not the driver: its connection, which holds the devices while it lasts. */
static int
hang(const struct scenario *s, int listener)
{
	static const struct {
		uint32_t request, flags, size;
		uint64_t features;
	} __attribute__((packed)) reply = {.request = 1, .flags = 5, .size = 8};
	char asked[12];
	int fd = accept_one(s, listener);
	bool answered = recv(fd, asked, sizeof(asked), MSG_WAITALL) == sizeof(asked) &&
			send(fd, &reply, sizeof(reply), MSG_NOSIGNAL) == sizeof(reply);
	close(fd);
	fd = accept_one(s, listener);
	check(answered && fd >= 0, "the driver waits for the neighbour");
	return fd;
}

static int
listen_as_neighbour(const struct dp_exception_plan *plan)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, plan->socket, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool good = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 4) == 0;
	return check(good, "listens as neighbour") ? fd : -1;
}

/* Nobody but its own port waits for it, not even a stop. */
static void
neighbour_hangs(void)
{
	struct scenario s;
	prepare(&s, DP_MODE_TXONLY, 1);
	add_port(&s, "net_ring0", 0);
	add_port(&s, "net_null1,no-rx=1", 0);
	s.plan.ports[0].peer = 0;
	s.plan.ports[1].peer = 1;
	meet_at_socket(&s, 1, false);
	int listener = listen_as_neighbour(&s.plan.ports[1].exception);
	if (!start(&s) || !swap(&forward_all, 1))
		return;
	int connection = hang(&s, listener);
	struct dp_layout layout = dp_get_layout();
	rte_dev_event_callback_process("net_ring0", RTE_DEV_EVENT_REMOVE);
	for (time_t deadline = time(NULL) + DEADLINE_S; time(NULL) < deadline;) {
		dp_service(s.wake);
		if (count(&s, &layout, "port_link_up", "port=p0") == 0)
			break;
	}
	check(removals == 0, "a device that is to go waits, the control thread does not");
	close(connection);
	check(eventually(&s, is_removed), "it goes when the driver has given up");
	hang(&s, listener);
	check(dp_stop() == DP_STOP_STUCK, "a stop does not wait for the driver");
}

static bool
six_children(void)
{
	return last_filters.unicast == 6;
}

static bool
no_child(void)
{
	return last_filters.unicast == 0;
}

/* net_ring takes one address and has no place for a second. */
static void
addresses_of_children(void)
{
	struct scenario s;
	if (!start_with_tap(&s, "net_ring0"))
		return;
	for (unsigned i = 1; i <= 6; i++) {
		char arguments[128];
		snprintf(arguments, sizeof(arguments),
			 "add link " TAP " name vrrp.%u up address 00:00:5e:00:01:0%u type macvlan mode private", i, i);
		check(run_ip(arguments), "makes a macvlan child");
	}
	check(eventually(&s, six_children), "their addresses are told to the port");
	check(last_filters.unicast_refused == 5 && last_filters.unicast_errnum == ENOSPC,
	      "what has no room is refused: %u, %s", last_filters.unicast_refused,
	      strerror(last_filters.unicast_errnum));
	check(last_filters.refused_unicast[0][5] == 2, "and named");
	for (unsigned i = 1; i <= 6; i++) {
		char arguments[64];
		snprintf(arguments, sizeof(arguments), "delete vrrp.%u", i);
		run_ip(arguments);
	}
	check(eventually(&s, no_child) && last_filters.unicast_refused == 0, "and are taken back with them");
	/* What the kernel sent by the tap lies in a ring that nobody reads. */
	dp_stop();
}

static void
counters_of_devices(void)
{
	const uint64_t top = UINT64_C(1) << 32;
	check(dp_port_counter_step(5, 9) == 4, "a counter that went on");
	check(dp_port_counter_step(top - 10, 5) == 15, "a 32-bit counter that came round");
	check(dp_port_counter_step(1000, 5) == 5, "a counter of a device that was reset");
	check(dp_port_counter_step(top + 1000, 5) == 5, "a 64-bit counter of a device that was reset");
}

static void
stalled_transmit(void)
{
	struct dp_tx_watch watch = {0};
	check(!dp_tx_watch_stalled(&watch, 0, 5, 1000) && !dp_tx_watch_stalled(&watch, 0, 5, 9000),
	      "a device that never counted is not judged");
	check(!dp_tx_watch_stalled(&watch, 7, 7, 10000), "a device that sends");
	check(!dp_tx_watch_stalled(&watch, 7, 7, 90000), "a device that has nothing to send");
	check(!dp_tx_watch_stalled(&watch, 7, 8, 91000) && !dp_tx_watch_stalled(&watch, 7, 9, 92999),
	      "a device that has not sent yet");
	check(dp_tx_watch_stalled(&watch, 7, 9, 93000), "a device that sends nothing of what it is given");
	check(!dp_tx_watch_stalled(&watch, 7, 10, 100000) && !dp_tx_watch_stalled(&watch, 7, 10, 109000),
	      "is told once, if telling was in vain");
	check(!dp_tx_watch_stalled(&watch, 8, 20, 110000) && !dp_tx_watch_stalled(&watch, 8, 20, 119000),
	      "a device that sends again");
	check(!dp_tx_watch_stalled(&watch, 8, 21, 120000) && dp_tx_watch_stalled(&watch, 8, 21, 122000),
	      "and is told again when it stops");
}

static void
sizes_of_frames(void)
{
	const uint32_t last[] = {64, 127, 255, 511, 1023, 1522};
	for (unsigned slot = 0; slot < DP_SIZE_SLOTS - 1; slot++)
		check(dp_size_slot(last[slot]) == slot && dp_size_slot(last[slot] + 1) == slot + 1,
		      "%u bytes are the last of class %u", last[slot], slot);
	check(dp_size_slot(0) == 0 && dp_size_slot(65535) == DP_SIZE_SLOTS - 1, "the shortest and the longest");
}

static void
missing_tap(void)
{
	refuses_start("nosuch", 1, "tap_lookup", ENODEV);
}

static void
not_a_tap(void)
{
	refuses_start("lo", 1, "tap_lookup", EMEDIUMTYPE);
}

static void
single_queue_tap(void)
{
	refuses_start(TAP, 2, "tap_lookup", ERANGE);
}

static void
missing_device(void)
{
	struct scenario s;
	struct dp_error error = {0};
	prepare(&s, DP_MODE_MACSWAP, 1);
	add_port(&s, "net_af_packet0,iface=nosuch", 0);
	s.plan.ports[0].peer = 0;
	int rc = dp_start(&s.plan, s.counters, &ignore, &error);
	check(rc < 0 && strcmp(error.call, "rte_dev_probe") == 0, "a missing device is an error of rte_dev_probe: %s",
	      error.message);
}

static const struct {
	const char *name;
	void (*run)(void);
} scenarios[] = {
	{"io", io},
	{"mac", mac},
	{"macswap", macswap},
	{"rxonly", rxonly},
	{"txonly", txonly},
	{"icmpecho", icmpecho},
	{"runts", runts},
	{"oversize", oversize},
	{"handover", handover},
	{"rules", rules},
	{"thousand_swaps", thousand_swaps},
	{"capture", capture},
	{"neighbours_are_waited_for", neighbours_are_waited_for},
	{"bad_rule_keeps_the_old_list", bad_rule_keeps_the_old_list},
	{"exception_flood", exception_flood},
	{"exception_limit", exception_limit},
	{"tap_is_down", tap_is_down},
	{"merged_segments", merged_segments},
	{"tap_is_replaced", tap_is_replaced},
	{"frames_of_several_mbufs", frames_of_several_mbufs},
	{"offloads_of_devices", offloads_of_devices},
	{"many_queues_to_a_neighbour", many_queues_to_a_neighbour},
	{"stop_after_failed_start", stop_after_failed_start},
	{"mtu_follows_the_tap", mtu_follows_the_tap},
	{"device_leaves_and_returns", device_leaves_and_returns},
	{"neighbour_hangs", neighbour_hangs},
	{"addresses_of_children", addresses_of_children},
	{"counters_of_devices", counters_of_devices},
	{"stalled_transmit", stalled_transmit},
	{"sizes_of_frames", sizes_of_frames},
	{"missing_tap", missing_tap},
	{"not_a_tap", not_a_tap},
	{"single_queue_tap", single_queue_tap},
	{"missing_device", missing_device},
};

static void
remove_runtime_folder(void)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");
	char command[256];
	if (folder == NULL || strncmp(folder, "/tmp/spillway-test-", 19) != 0)
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		perror(folder);
}

static bool
run(unsigned i)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		alarm(3 * DEADLINE_S);
		scenarios[i].run();
		remove_runtime_folder();
		exit(checks_exit_code());
	}
	int status;
	if (child < 0 || waitpid(child, &status, 0) != child)
		return check(false, "%s runs", scenarios[i].name);
	return check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s (%s %d)", scenarios[i].name,
		     WIFSIGNALED(status) ? "signal" : "exit",
		     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* All scenarios, or those named. */
int
main(int argc, char **argv)
{
	for (unsigned i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		bool wanted = argc == 1;
		for (int a = 1; a < argc; a++)
			wanted |= strcmp(argv[a], scenarios[i].name) == 0;
		if (wanted)
			run(i);
	}
	return checks_exit_code();
}
