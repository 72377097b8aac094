/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overload_bench cost|veth|curve ROUNDS: what a flood for the kernel does to an lcore, with a real tap in a network
 * namespace of its own. Prints a JSON object a line, one for each measurement; src/bench/overload makes figures of
 * them.
 *
 * cost: net_null gives the lcore all it can take; rule lists that forward and that shed the same frames take turns.
 * veth: the same by net_af_packet, where sending is a copy and a system call; spillway-flood sends.
 * curve: this thread feeds net_ring with an even load for the fast path, and beside it a flood, at one rate after
 * another.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "dataplane.h"
#include "punt_stamp.h"

#define COUNTER_BYTES (1 << 20)
#define TAP "ext0"
#define NO_IPV6 "/proc/sys/net/ipv6/conf/default/disable_ipv6"
#define COST_WINDOW_MS 30
#define VETH_WINDOW_MS 100
#define CURVE_WINDOW_MS 60
#define AF_PACKET_RING "blocksz=4096,framesz=2048,framecnt=2048,qpairs=1"
#define SETTLE_MS 3
#define BURST 32
/* A load that fell behind by more than this, because its CPU was taken away, is left out and not made up for. */
#define MOST_DUE 256
#define FAST_PPS 1000000

/* UDP from 10.0.0.1:4660 to 10.0.0.2:22136, 64 bytes; in the load for the fast path port 9. */
#define PORT_AT 36
static const uint8_t flood_frame[64] = {
	2, 0, 0,  0,  0, 1, 2,	0, 0, 0, 0,  2, 8, 0, 0x45, 0,	  0,	50,   0, 0,
	0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0x56, 0x78, 0, 30,
};

static struct {
	struct dp_plan plan;
	char eal_texts[24][128];
	char *eal_args[24];
	const uint64_t *slots;
	int counters;
	clockid_t lcore_clock;
	char runtime[PATH_MAX];
} bench;

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "overload_bench: %s: %s\n", what, why);
	exit(1);
}

static void
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path, strerror(errno));
	close(fd);
}

static void
make_tap(void)
{
	char map[64];
	unsigned uid = getuid(), gid = getgid();
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		die("unshare", strerror(errno));
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
	/* The kernel says nothing by itself then: net_ring would keep its frames for a reader who never comes. */
	if (access(NO_IPV6, F_OK) == 0)
		write_file(NO_IPV6, "1");
	int tun = open("/dev/net/tun", O_RDWR), sock = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {.ifr_name = TAP, .ifr_flags = IFF_TAP | IFF_NO_PI};
	if (ioctl(tun, TUNSETIFF, &request) < 0 || ioctl(tun, TUNSETPERSIST, 1) < 0)
		die("tap", strerror(errno));
	request.ifr_flags = IFF_UP;
	if (ioctl(sock, SIOCSIFFLAGS, &request) < 0)
		die("tap", strerror(errno));
	close(tun);
	close(sock);
}

static void
on_link(void *context, unsigned port, bool up, uint32_t speed_mbps)
{
	(void)context, (void)port, (void)up, (void)speed_mbps;
}

static void
on_any(void *context)
{
	(void)context;
}

static void
on_port(void *context, unsigned port)
{
	(void)context, (void)port;
}

static void
on_reset(void *context, unsigned port, const struct dp_error *error)
{
	(void)context, (void)port, (void)error;
}

static void
on_filters(void *context, unsigned port, const struct dp_filters *filters)
{
	(void)context, (void)port, (void)filters;
}

static void
on_mtu(void *context, unsigned port, const struct dp_mtu *mtu)
{
	(void)context, (void)port, (void)mtu;
}

static void
on_capture(void *context, const struct dp_capture_result *result)
{
	(void)context, (void)result;
}

static const struct dp_events events = {
	.link = on_link,
	.addresses = on_any,
	.removed = on_port,
	.reset = on_reset,
	.returned = on_port,
	.filters = on_filters,
	.mtu = on_mtu,
	.capture_ended = on_capture,
	.tap_replaced = on_port,
};

/* Frames from veth1 reach the lcore at veth0, and go on by veth2 to veth3. */
static void
make_veths(void)
{
	if (system("ip link add veth0 type veth peer name veth1 && ip link add veth2 type veth peer name veth3 && "
		   "for v in 0 1 2 3; do ip link set veth$v up addrgenmode none || exit 1; done") != 0)
		die("ip", "cannot make veth pairs");
}

static void
add_port(const char *devargs)
{
	struct dp_port_plan *port = &bench.plan.ports[bench.plan.n_ports];
	snprintf(port->name, sizeof(port->name), "p%u", bench.plan.n_ports);
	snprintf(port->devargs, sizeof(port->devargs), "%s", devargs);
	port->queues = 1;
	port->rx_descriptors = port->tx_descriptors = 512;
	port->peer = (uint16_t)(bench.plan.n_ports ^ 1);
	port->exception.queues = 1;
	bench.plan.n_ports++;
}

/* Lcore 1 on the highest CPU that we may use, everything else on the lowest. */
static void
plan(const char *source, const char *sink)
{
	cpu_set_t set;
	int first = -1, last = 0;
	char lcores[64];
	sched_getaffinity(0, sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			first = first < 0 ? cpu : first;
			last = cpu;
		}
	snprintf(lcores, sizeof(lcores), "0@%d,1@%d", first, last);
	const char *folder = getenv("TMPDIR");
	snprintf(bench.runtime, sizeof(bench.runtime), "%s/spillway-bench-XXXXXX", folder == NULL ? "/tmp" : folder);
	if (mkdtemp(bench.runtime) == NULL)
		die("mkdtemp", strerror(errno));
	setenv("RUNTIME_DIRECTORY", bench.runtime, 1);
	const char *const args[] = {"--no-huge",      "--no-shconf", "-m",	     "128",
				    "--no-telemetry", "-a",	     "0000:00:00.0", "--iova-mode=va",
				    "--log-level=4",  "--lcores",    lcores};
	for (unsigned i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		snprintf(bench.eal_texts[i], sizeof(bench.eal_texts[i]), "%s", args[i]);
		bench.eal_args[i] = bench.eal_texts[i];
	}
	bench.plan = (struct dp_plan){
		.n_eal_args = sizeof(args) / sizeof(args[0]),
		.eal_args = bench.eal_args,
		.n_lcores = 1,
		.lcore_ids = {1},
		.burst = BURST,
		.mbufs = 16383,
		.mbuf_cache = 512,
		.data_room = 2176,
		.prefill = flood_frame,
		.prefill_len = sizeof(flood_frame),
		.mode = DP_MODE_MACSWAP,
		.exception_limit = {.pps = 200000, .burst = 8192},
	};
	add_port(source);
	add_port(sink);
	bench.plan.ports[0].exception.backend = DP_BACKEND_TAP;
	snprintf(bench.plan.ports[0].exception.tap, sizeof(bench.plan.ports[0].exception.tap), TAP);
}

/* The lcore's own CPU time: what others take of its CPU is not in it. */
static clockid_t
find_lcore_clock(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	int tid = 0;
	if (tasks == NULL)
		die("/proc/self/task", strerror(errno));
	while (tid == 0 && (task = readdir(tasks)) != NULL) {
		char path[300], name[32] = "";
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		FILE *comm = fopen(path, "r");
		if (comm != NULL && fgets(name, sizeof(name), comm) != NULL && strstr(name, "worker") != NULL)
			tid = atoi(task->d_name);
		if (comm != NULL)
			fclose(comm);
	}
	closedir(tasks);
	if (tid == 0)
		die("lcore", "no such thread");
	return (clockid_t)((~(unsigned)tid << 3) | 6); /* MAKE_THREAD_CPUCLOCK(tid, CPUCLOCK_SCHED) */
}

static uint64_t
lcore_cycles(void)
{
	struct timespec t;
	clock_gettime(bench.lcore_clock, &t);
	return (uint64_t)((double)(t.tv_sec * INT64_C(1000000000) + t.tv_nsec) * (double)rte_get_tsc_hz() / 1e9);
}

static void
start(const char *source, const char *sink)
{
	struct dp_error error;
	plan(source, sink);
	bench.counters = memfd_create("counters", MFD_CLOEXEC);
	if (ftruncate(bench.counters, COUNTER_BYTES) < 0)
		die("counters", strerror(errno));
	bench.slots = mmap(NULL, COUNTER_BYTES, PROT_READ, MAP_SHARED, bench.counters, 0);
	if (dp_start(&bench.plan, bench.counters, &events, &error) < 0)
		die("the data plane", error.message);
	bench.lcore_clock = find_lcore_clock();
}

static void
stop(void)
{
	unsigned missing = dp_stop();
	/* EAL leaves a folder of its own in it. */
	char command[PATH_MAX + sizeof("rm -rf ''")];
	snprintf(command, sizeof(command), "rm -rf '%s'", bench.runtime);
	if (system(command) != 0)
		die(bench.runtime, "not removed");
	char text[32];
	snprintf(text, sizeof(text), "%u mbufs are missing", missing);
	if (missing != 0)
		die("mempool", text);
}

#define MATCH(...)            \
	(const char *const[]) \
	{                     \
		__VA_ARGS__   \
	}
#define TAGGED(text) .match = MATCH(text, "vlan and " text, "vlan and vlan and " text), .n_match = 3

/* As `spillway run` composes them: a user rule, the built-ins, the default. */
static void
swap(enum dp_verdict verdict, struct dp_limit limit, const char *flood)
{
	const struct dp_rule list[] = {
		{.name = "flood", .match = &flood, .n_match = 1, .verdict = verdict, DP_CLASS_OTHER, .limit = limit},
		{.name = "arp", TAGGED("arp"), .verdict = DP_VERDICT_KERNEL},
		{.name = "nd", TAGGED("icmp6 and ip6[40] >= 133 and ip6[40] <= 137"), .verdict = DP_VERDICT_KERNEL},
		{.name = "lldp", TAGGED("ether proto 0x88cc"), .verdict = DP_VERDICT_KERNEL},
		{.name = "slow", TAGGED("ether proto 0x8809"), .verdict = DP_VERDICT_KERNEL},
		{.name = "local", TAGGED("ip dst host 10.99.0.1"), .verdict = DP_VERDICT_KERNEL, DP_CLASS_LOCAL},
		{.name = "default", .verdict = DP_VERDICT_FORWARD, .klass = DP_CLASS_OTHER},
	};
	const unsigned n = sizeof(list) / sizeof(list[0]);
	struct dp_classifier *classifier;
	struct dp_error error;
	if (dp_compile_rules(list, n, &classifier, &error) < 0 || dp_swap_rules(list, n, classifier, &error) < 0)
		die("the data plane", error.message);
}

static uint64_t
count(const char *name, const char *label)
{
	struct dp_layout layout = dp_get_layout();
	uint64_t sum = 0;
	for (unsigned i = 0; i < layout.n_slots; i++)
		if (strcmp(layout.slots[i].name, name) == 0 && strstr(layout.slots[i].labels, label) != NULL)
			sum += bench.slots[layout.slots[i].index];
	return sum;
}

static void
sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Cycles of the lcore for a packet, under the rules in force. */
static double
cycles_per_packet(void)
{
	sleep_ms(SETTLE_MS);
	uint64_t cycles = lcore_cycles(), packets = count("rx_packets", "port=p0");
	sleep_ms(COST_WINDOW_MS);
	cycles = lcore_cycles() - cycles;
	packets = count("rx_packets", "port=p0") - packets;
	return packets == 0 ? 0 : (double)cycles / (double)packets;
}

static const struct {
	const char *name;
	enum dp_verdict verdict;
	struct dp_limit limit;
	const char *flood;
} costs[] = {
	{"forward", DP_VERDICT_FORWARD, {0}, "udp port 9"},
	{"rule_limit", DP_VERDICT_KERNEL, {.pps = 1, .burst = 1}, "udp port 22136"},
	{"exception_ring_full", DP_VERDICT_KERNEL, {0}, "udp port 22136"},
	{"rule", DP_VERDICT_DROP, {0}, "udp port 22136"},
};

/* What looking for the next of the sample costs, and stamping it, on warm mbufs. */
static double
stamp_cycles(unsigned n)
{
	static struct rte_mbuf mbufs[BURST];
	struct rte_mbuf *pkts[BURST];
	unsigned until = 0;
	for (unsigned i = 0; i < BURST; i++)
		pkts[i] = &mbufs[i];
	const unsigned bursts = 200000;
	uint64_t begin = rte_rdtsc_precise();
	for (unsigned i = 0; i < bursts; i++) {
		dp_stamp_sample(pkts, n, &until);
		__asm__ volatile("" ::: "memory");
	}
	return (double)(rte_rdtsc_precise() - begin) / bursts / n;
}

static void
cost(unsigned rounds)
{
	make_tap();
	start("net_null0", "net_null1,no-rx=1");
	for (unsigned round = 0; round < rounds; round++) {
		printf("{\"round\":%u", round);
		for (unsigned i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
			swap(costs[i].verdict, costs[i].limit, costs[i].flood);
			printf(",\"%s\":%.2f", costs[i].name, cycles_per_packet());
		}
		printf(",\"stamp1\":%.3f,\"stamp32\":%.3f}\n", stamp_cycles(1), stamp_cycles(BURST));
		fflush(stdout);
	}
	stop();
}

struct turns {
	uint64_t cpu, busy, idle, packets;
};

static struct turns
read_turns(void)
{
	return (struct turns){
		.cpu = lcore_cycles(),
		.busy = count("lcore_busy_cycles", "lcore=1"),
		.idle = count("lcore_idle_cycles", "lcore=1"),
		.packets = count("rx_packets", "port=p0"),
	};
}

/* The part of the lcore's CPU time that went into turns with packets: below its capacity it spins in between. */
static double
busy_cycles(struct turns before, struct turns after)
{
	uint64_t busy = after.busy - before.busy, idle = after.idle - before.idle;
	return busy + idle == 0 ? 0 : (double)(after.cpu - before.cpu) * (double)busy / (double)(busy + idle);
}

static double
busy_cycles_per_packet(void)
{
	sleep_ms(SETTLE_MS);
	struct turns before = read_turns();
	sleep_ms(VETH_WINDOW_MS);
	struct turns after = read_turns();
	uint64_t packets = after.packets - before.packets;
	return packets == 0 ? 0 : busy_cycles(before, after) / (double)packets;
}

/* Starts spillway-flood, which lies beside this program, on veth1; its stdin's end is ours to close. */
static pid_t
start_flood(const char *self, int *end)
{
	int pipe_fds[2];
	char path[PATH_MAX], hex[2 * sizeof(flood_frame) + 1];
	const char *slash = strrchr(self, '/');
	snprintf(path, sizeof(path), "%.*sspillway-flood", slash == NULL ? 0 : (int)(slash - self + 1), self);
	for (unsigned i = 0; i < sizeof(flood_frame); i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", flood_frame[i]);
	if (pipe(pipe_fds) < 0)
		die("pipe", strerror(errno));
	pid_t child = fork();
	if (child == 0) {
		close(pipe_fds[1]);
		dup2(pipe_fds[0], 0);
		dup2(2, 1);
		execl(path, path, "veth1", "0", hex, (char *)NULL);
		die(path, strerror(errno));
	}
	close(pipe_fds[0]);
	*end = pipe_fds[1];
	return child;
}

static void
veth(const char *self, unsigned rounds)
{
	int end;
	make_tap();
	make_veths();
	start("net_af_packet0,iface=veth0," AF_PACKET_RING, "net_af_packet1,iface=veth2," AF_PACKET_RING);
	pid_t flood = start_flood(self, &end);
	for (unsigned round = 0; round < rounds; round++) {
		printf("{\"round\":%u", round);
		for (unsigned i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
			swap(costs[i].verdict, costs[i].limit, costs[i].flood);
			printf(",\"%s\":%.1f", costs[i].name, busy_cycles_per_packet());
		}
		printf("}\n");
		fflush(stdout);
	}
	close(end);
	waitpid(flood, NULL, 0);
	stop();
}

/* One of the two loads that this thread makes. */
struct load {
	uint64_t pps;
	uint8_t port[2];
	uint64_t offered; /* also what was left out */
	uint64_t skipped;
	uint64_t refused; /* the ring was full: what a NIC calls missed */
};

static void
feed(struct load *load, struct rte_mempool *pool, struct rte_ring *wire, uint64_t elapsed)
{
	uint64_t due = (uint64_t)((__int128)load->pps * elapsed / rte_get_tsc_hz()) - load->offered;
	if (due > MOST_DUE) {
		load->skipped += due - MOST_DUE;
		load->offered += due - MOST_DUE;
		due = MOST_DUE;
	}
	while (due > 0) {
		struct rte_mbuf *pkts[BURST];
		unsigned n = due < BURST ? (unsigned)due : BURST;
		load->offered += n;
		due -= n;
		if (rte_pktmbuf_alloc_bulk(pool, pkts, n) != 0) {
			load->refused += n;
			continue;
		}
		for (unsigned i = 0; i < n; i++) {
			uint8_t *frame = rte_pktmbuf_mtod(pkts[i], uint8_t *);
			memcpy(frame, flood_frame, sizeof(flood_frame));
			memcpy(frame + PORT_AT, load->port, sizeof(load->port));
			pkts[i]->data_len = sizeof(flood_frame);
			pkts[i]->pkt_len = sizeof(flood_frame);
		}
		unsigned taken = rte_ring_sp_enqueue_burst(wire, (void **)pkts, n, NULL);
		load->refused += n - taken;
		if (taken < n)
			rte_pktmbuf_free_bulk(pkts + taken, n - taken);
	}
}

struct reading {
	uint64_t forwarded, punted, rule_limit, total_limit, ring_full;
	struct turns turns;
};

static struct reading
read_counters(void)
{
	return (struct reading){
		.forwarded = count("forwarded_packets", "port=p0"),
		.punted = count("punted_packets", "port=p0"),
		.rule_limit = count("dropped_packets", "reason=rule_limit"),
		.total_limit = count("dropped_packets", "reason=exception_limit"),
		.ring_full = count("dropped_packets", "reason=exception_ring_full"),
		.turns = read_turns(),
	};
}

static void
drain(const struct rte_ring *wire)
{
	while (rte_ring_count(wire) > 0)
		sleep_ms(1);
	sleep_ms(SETTLE_MS);
}

static void
point(unsigned round, const char *limit, uint64_t flood_pps, struct rte_mempool *pool, struct rte_ring *wire)
{
	struct load fast = {.pps = FAST_PPS, .port = {0, 9}};
	struct load flood = {.pps = flood_pps, .port = {flood_frame[PORT_AT], flood_frame[PORT_AT + 1]}};
	unsigned in_use = 0;
	struct reading before = read_counters();
	/* The clock is the lcore's own CPU time: while others have its CPU, nothing is sent to it either. */
	uint64_t begin = before.turns.cpu, length = rte_get_tsc_hz() / 1000 * CURVE_WINDOW_MS, elapsed;
	for (unsigned turn = 0; (elapsed = lcore_cycles() - begin) < length; turn++) {
		feed(&fast, pool, wire, elapsed);
		feed(&flood, pool, wire, elapsed);
		if (turn % 256 == 0) {
			unsigned now = rte_mempool_in_use_count(pool);
			in_use = now > in_use ? now : in_use;
		}
	}
	struct turns end = read_turns();
	drain(wire);
	struct reading after = read_counters();
	double seconds = (double)elapsed / (double)rte_get_tsc_hz();
	printf("{\"round\":%u,\"limit\":\"%s\",\"flood_pps\":%" PRIu64 ",\"fast\":%" PRIu64 ",\"forwarded\":%" PRIu64
	       ",\"flood\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"punted\":%" PRIu64 ",\"rule_limit\":%" PRIu64
	       ",\"exception_limit\":%" PRIu64 ",\"exception_ring_full\":%" PRIu64
	       ",\"mbufs\":%u,\"seconds\":%.4f,\"busy\":%.4f}\n",
	       round, limit, flood_pps, fast.offered - fast.skipped, after.forwarded - before.forwarded,
	       flood.offered - flood.skipped, flood.refused + fast.refused, after.punted - before.punted,
	       after.rule_limit - before.rule_limit, after.total_limit - before.total_limit,
	       after.ring_full - before.ring_full, in_use, seconds,
	       busy_cycles(before.turns, end) / (double)(end.cpu - before.turns.cpu));
	fflush(stdout);
}

static void
curve(unsigned rounds)
{
	static const uint64_t floods[] = {0, 100000, 250000, 500000, 1000000, 2000000, 4000000, 8000000};
	make_tap();
	start("net_ring0", "net_null1,no-rx=1");
	struct rte_mempool *pool = rte_mempool_lookup("mbufs0");
	struct rte_ring *wire = rte_ring_lookup("ETH_RXTX0_net_ring0");
	if (pool == NULL || wire == NULL)
		die("net_ring", "no ring of that name");
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < 2 * sizeof(floods) / sizeof(floods[0]); i++) {
			bool limited = i % 2;
			swap(DP_VERDICT_KERNEL,
			     limited ? (struct dp_limit){.pps = 20000, .burst = 2000} : (struct dp_limit){0},
			     "udp port 22136");
			point(round, limited ? "rule" : "total", floods[i / 2], pool, wire);
		}
	}
	stop();
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20;
	if (argc > 1 && strcmp(argv[1], "cost") == 0)
		cost(rounds);
	else if (argc > 1 && strcmp(argv[1], "veth") == 0)
		veth(argv[0], rounds);
	else if (argc > 1 && strcmp(argv[1], "curve") == 0)
		curve(rounds);
	else
		die("usage", "overload_bench cost|veth|curve ROUNDS");
	return 0;
}
