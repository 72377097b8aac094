/* SPDX-License-Identifier: Apache-2.0 */
/* What the exception path decides packet by packet, without EAL: which queue a flow takes, whose packets come first,
 * which packet is timed, what a limit lets pass. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ring.h>

#include "checks.h"
#include "exception.h"
#include "flow_hash.h"
#include "limiter.h"
#include "punt_stamp.h"
#include "vhost_workers.h"

#define N_FLOWS 4096
#define N_MUTATED 200000
#define FRAME_MAX 128

enum { IPV4 = 4, IPV6 = 6 };
enum { ICMP = 1, TCP = 6, UDP = 17, FRAGMENT = 44 };

struct flow {
	int version;
	uint8_t protocol;
	uint8_t addresses[2][16];
	uint8_t ports[2][2];
	uint16_t fragment; /* IPv4: flags and offset */
	unsigned tags;
};

/* A frame in memory of exactly its length: AddressSanitizer sees what is read beyond it. */
struct frame {
	struct rte_mbuf mbuf;
	uint8_t *data;
};

static void
fill(struct frame *f, const uint8_t *bytes, unsigned length)
{
	memset(&f->mbuf, 0, sizeof(f->mbuf));
	f->data = malloc(length == 0 ? 1 : length);
	memcpy(f->data, bytes, length);
	f->mbuf.buf_addr = f->data;
	f->mbuf.data_len = (uint16_t)length;
	f->mbuf.pkt_len = length;
}

static unsigned
put(uint8_t *to, unsigned at, const void *from, unsigned n)
{
	memcpy(to + at, from, n);
	return at + n;
}

static unsigned
build(const struct flow *flow, bool reversed, uint8_t *out)
{
	static const uint8_t tag[2][4] = {{0x88, 0xa8, 0, 5}, {0x81, 0, 0, 7}};
	static const uint8_t types[2][2] = {{8, 0}, {0x86, 0xdd}};
	unsigned from = reversed, to = !reversed, n = 12;
	memset(out, 0, FRAME_MAX);
	for (unsigned i = 0; i < flow->tags; i++)
		n = put(out, n, tag[i], 4);
	n = put(out, n, types[flow->version == IPV6], 2);
	if (flow->version == IPV4) {
		const uint8_t head[12] = {
			0x45,	       0, 0, 28, 0, 0, (uint8_t)(flow->fragment >> 8), (uint8_t)flow->fragment, 64,
			flow->protocol};
		n = put(out, n, head, 12);
		n = put(out, n, flow->addresses[from], 4);
		n = put(out, n, flow->addresses[to], 4);
	} else {
		const uint8_t head[8] = {0x60, 0, 0, 0, 0, 8, flow->protocol, 64};
		n = put(out, n, head, 8);
		n = put(out, n, flow->addresses[from], 16);
		n = put(out, n, flow->addresses[to], 16);
	}
	n = put(out, n, flow->ports[from], 2);
	n = put(out, n, flow->ports[to], 2);
	return n + 4;
}

static uint32_t
hash(const struct flow *flow, bool reversed)
{
	uint8_t bytes[FRAME_MAX];
	struct frame f;
	fill(&f, bytes, build(flow, reversed, bytes));
	uint32_t result = dp_flow_hash(&f.mbuf);
	free(f.data);
	return result;
}

static struct flow
random_flow(uint64_t *random, uint8_t protocol)
{
	struct flow flow = {.version = next_random(random) % 2 ? IPV4 : IPV6, .protocol = protocol};
	flow.tags = next_random(random) % 3;
	for (unsigned end = 0; end < 2; end++) {
		for (unsigned i = 0; i < 16; i++)
			flow.addresses[end][i] = (uint8_t)next_random(random);
		flow.ports[end][0] = (uint8_t)next_random(random);
		flow.ports[end][1] = (uint8_t)next_random(random);
	}
	return flow;
}

static void
test_directions(void)
{
	uint64_t random = 1;
	unsigned different = 0, tagged = 0;
	for (unsigned i = 0; i < N_FLOWS; i++) {
		struct flow flow = random_flow(&random, i % 2 ? TCP : UDP);
		different += hash(&flow, false) != hash(&flow, true);
		struct flow untagged = flow;
		untagged.tags = 0;
		tagged += hash(&flow, false) != hash(&untagged, false);
	}
	check(different == 0, "both directions of a flow are one");
	check(tagged == 0, "a VLAN tag changes nothing");
}

static void
test_fragments(void)
{
	uint64_t random = 2;
	unsigned apart = 0, portless = 0;
	for (unsigned i = 0; i < N_FLOWS; i++) {
		struct flow first = random_flow(&random, UDP);
		first.version = IPV4;
		first.fragment = 0x2000;
		struct flow later = first;
		later.fragment = (uint16_t)(1 + next_random(&random) % 0x1fff);
		memset(later.ports, 0x55, sizeof(later.ports));
		apart += hash(&first, false) != hash(&later, false);
		struct flow echo = random_flow(&random, ICMP), reply = echo;
		memset(reply.ports, 0xaa, sizeof(reply.ports));
		portless += hash(&echo, false) != hash(&reply, false);
	}
	check(apart == 0, "the fragments of a packet stay together, whatever is where the ports would be");
	check(portless == 0, "what has no ports goes by its addresses");
	struct flow v6 = random_flow(&random, FRAGMENT), other = v6;
	v6.version = other.version = IPV6;
	memset(other.ports, 0, sizeof(other.ports));
	check(hash(&v6, false) == hash(&other, false), "IPv6 fragments go by their addresses");
}

/* Flows that differ in one thing only, the way real ones do. */
static void
spread(const char *what, unsigned n_queues, struct flow (*make)(unsigned i))
{
	unsigned hits[16] = {0};
	for (unsigned i = 0; i < N_FLOWS; i++) {
		struct flow flow = make(i);
		hits[((uint64_t)hash(&flow, false) * n_queues) >> 32]++;
	}
	unsigned least = N_FLOWS, most = 0;
	for (unsigned q = 0; q < n_queues; q++) {
		least = hits[q] < least ? hits[q] : least;
		most = hits[q] > most ? hits[q] : most;
	}
	/* Five standard deviations of a fair draw; the flows are the same in every run. */
	unsigned fair = N_FLOWS / n_queues, deviation = 1;
	while (deviation * deviation < fair)
		deviation++;
	unsigned slack = 5 * deviation;
	check(least + slack > fair && most < fair + slack, "%s: %u flows, %u to %u on each of %u queues", what, N_FLOWS,
	      least, most, n_queues);
}

static struct flow
by_port(unsigned i)
{
	struct flow flow = {.version = IPV4, .protocol = TCP, .addresses = {{10, 0, 0, 1}, {10, 0, 0, 2}}};
	flow.ports[0][0] = (uint8_t)((32768 + i) >> 8);
	flow.ports[0][1] = (uint8_t)i;
	flow.ports[1][1] = 179;
	return flow;
}

static struct flow
by_address(unsigned i)
{
	return (struct flow){.version = IPV4,
			     .protocol = ICMP,
			     .addresses = {{10, 7, (uint8_t)(i >> 8), (uint8_t)i}, {10, 0, 0, 2}}};
}

static struct flow
by_address_v6(unsigned i)
{
	struct flow flow = {.version = IPV6, .protocol = 58, .addresses = {{0xfd}, {0xfd}}};
	flow.addresses[0][14] = (uint8_t)(i >> 8);
	flow.addresses[0][15] = (uint8_t)i;
	flow.addresses[1][15] = 2;
	return flow;
}

static void
test_spread(void)
{
	for (unsigned n_queues = 2; n_queues <= 16; n_queues += n_queues == 2 ? 1 : 13) {
		spread("by port", n_queues, by_port);
		spread("by address", n_queues, by_address);
		spread("by IPv6 address", n_queues, by_address_v6);
	}
}

static void
test_without_addresses(void)
{
	uint8_t arp[60] = {[12] = 8, [13] = 6}, bytes[FRAME_MAX];
	struct frame f;
	fill(&f, arp, sizeof(arp));
	check(dp_flow_hash(&f.mbuf) == 0 && dp_flow_queue(&f.mbuf, 8) == 0, "ARP is on the first queue");
	f.mbuf.ol_flags = RTE_MBUF_F_RX_RSS_HASH;
	f.mbuf.hash.rss = UINT32_MAX;
	check(dp_flow_queue(&f.mbuf, 8) == 7, "the port's own hash is taken where there is one");
	free(f.data);
	uint64_t random = 3;
	struct flow flow = random_flow(&random, UDP);
	flow.version = IPV6;
	flow.tags = 2;
	unsigned length = build(&flow, false, bytes);
	for (unsigned n = 0; n <= length; n++) {
		fill(&f, bytes, n);
		dp_flow_hash(&f.mbuf);
		free(f.data);
	}
	for (unsigned i = 0; i < N_MUTATED; i++) {
		flow = random_flow(&random, i % 2 ? TCP : UDP);
		length = build(&flow, false, bytes);
		bytes[12 + next_random(&random) % 16] = (uint8_t)next_random(&random);
		fill(&f, bytes, next_random(&random) % (length + 1));
		dp_flow_hash(&f.mbuf);
		free(f.data);
	}
	check(true, "%u frames cut short or broken, none read beyond its end", N_MUTATED + length);
}

static void
test_latency_slots(void)
{
	for (unsigned slot = 0; slot < DP_LATENCY_SLOTS - 1; slot++)
		check(dp_latency_slot(UINT64_C(1000) << slot) == slot &&
			      dp_latency_slot((UINT64_C(1000) << slot) + 1) == slot + 1,
		      "%u us are the last of slot %u", 1u << slot, slot);
	check(dp_latency_slot(0) == 0 && dp_latency_slot(UINT64_MAX - 999) == DP_LATENCY_SLOTS - 1,
	      "no time and the longest");
}

/* Bursts of every size: the sample is each DP_STAMP_EVERY-th packet, and that one alone is stamped. */
static void
test_sample(void)
{
	struct rte_mbuf mbufs[256], *pkts[256];
	uint64_t random = 4, stamps[256];
	unsigned until = 0, seen = 0, sampled = 0, wrong = 0, places = 0;
	dp_stamp_offset = RTE_ALIGN_CEIL(offsetof(struct rte_mbuf, dynfield1), sizeof(uint64_t));
	dp_stamp_flag = UINT64_C(1) << 40;
	for (unsigned burst = 0; burst < 10000; burst++) {
		unsigned n = 1 + next_random(&random) % (burst % 2 ? 32 : DP_STAMP_EVERY);
		memset(mbufs, 0, n * sizeof(mbufs[0]));
		for (unsigned i = 0; i < n; i++)
			pkts[i] = &mbufs[i];
		dp_stamp_sample(pkts, n, &until);
		for (unsigned i = 0; i < n; i++, seen++)
			wrong += (mbufs[i].ol_flags != 0) != (seen % DP_STAMP_EVERY == 0);
		unsigned found = dp_stamp_collect(pkts, n, stamps);
		sampled += found;
		places += found == 1 && stamps[0] != 0;
	}
	check(wrong == 0 && sampled == places, "one in %u of %u packets is stamped", DP_STAMP_EVERY, seen);
}

#define HZ UINT64_C(2600000000)

/* Offers `pps[i]` packets a second at side i for a second, in bursts of 32; returns what passed of each. */
static void
offer(struct dp_limiter *sides, unsigned n, const uint64_t *pps, unsigned reserve, uint64_t start, uint64_t *passed)
{
	uint64_t offered[16] = {0};
	for (uint64_t now = start; now < start + HZ; now += HZ / 1000000) {
		for (unsigned i = 0; i < n; i++) {
			passed[i] = now == start ? 0 : passed[i];
			uint64_t due = (uint64_t)((__int128)pps[i] * (now - start) / HZ);
			if (due < offered[i] + 32 && pps[i] > 1000)
				continue;
			for (; offered[i] < due; offered[i]++)
				if (dp_limiter_begin(&sides[i], now), dp_limiter_take(&sides[i], reserve))
					passed[i]++;
		}
	}
}

static uint64_t
total(const uint64_t *passed, unsigned n)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < n; i++)
		sum += passed[i];
	return sum;
}

static bool
near(uint64_t value, uint64_t wanted, double part)
{
	return (double)value >= (double)wanted * (1 - part) && (double)value <= (double)wanted * (1 + part);
}

/* Whatever RSS does with the load, together the lcores let the limit pass: no more, and not much less. */
static void
test_shared_limit(void)
{
	static const struct {
		const char *what;
		unsigned n;
		uint64_t pps[8];
	} cases[] = {
		{"one lcore", 1, {1000000}},
		{"eight lcores, all load on one", 8, {0, 0, 0, 1000000}},
		{"eight lcores, even", 8, {200000, 200000, 200000, 200000, 200000, 200000, 200000, 200000}},
		{"eight lcores, uneven", 8, {1000000, 100000, 20000, 5000, 1000, 0, 0, 10}},
	};
	struct dp_limiter sides[8];
	for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		uint64_t passed[8], start = 12345;
		dp_limiters_init(sides, cases[c].n, (struct dp_limit){.pps = 20000, .burst = 200}, HZ, start);
		offer(sides, cases[c].n, cases[c].pps, 0, start, passed);
		uint64_t all = total(passed, cases[c].n);
		check(near(all, 20200, 0.01), "20000 a second, %s: %" PRIu64 " passed", cases[c].what, all);
		/* A second without traffic fills the bucket to its burst, and no further. */
		offer(sides, cases[c].n, cases[c].pps, 0, start + 2 * HZ, passed);
		all = total(passed, cases[c].n);
		check(near(all, 20200, 0.02), "after a pause: %" PRIu64, all);
	}
}

static void
test_limits_of_limits(void)
{
	struct dp_limiter sides[16];
	uint64_t pps[16] = {1000000}, passed[16];
	dp_limiters_init(sides, 1, (struct dp_limit){0}, HZ, 1);
	offer(sides, 1, pps, 0, 1, passed);
	check(passed[0] > 999000, "no limit: all %" PRIu64 " pass", passed[0]);
	dp_limiters_init(sides, 1, (struct dp_limit){.pps = 1, .burst = 1}, HZ, 1);
	offer(sides, 1, pps, 0, 1, passed);
	check(passed[0] == 1, "one a second, burst 1: %" PRIu64, passed[0]);
	dp_limiters_init(sides, 16, (struct dp_limit){.pps = 1, .burst = 1048576}, HZ, 1);
	offer(sides, 16, pps, 0, 1, passed);
	check(near(passed[0], 1000000, 0.01), "one a second, burst 1048576: %" PRIu64, passed[0]);
	dp_limiters_init(sides, 1, (struct dp_limit){.pps = 777777, .burst = 64}, HZ, 1);
	offer(sides, 1, pps, 0, 1, passed);
	check(near(passed[0], 777777 + 64, 0.001), "777777 a second: %" PRIu64, passed[0]);
}

/* A flood of what is shed first leaves tokens for what is shed last, and comes back when that is quiet. */
static void
test_reserve(void)
{
	for (unsigned n = 1; n <= 4; n += 3) {
		struct dp_limiter sides[4];
		uint64_t flood[4] = {1000000, 1000000, 1000000, 1000000}, passed[4], now = 1 + HZ;
		dp_limiters_init(sides, n, (struct dp_limit){.pps = 10000, .burst = 1600}, HZ, 1);
		offer(sides, n, flood, 4, 1, passed);
		check(near(total(passed, n), 10000 + 1200, 0.02), "%u threads: the flood gets %" PRIu64, n,
		      total(passed, n));
		unsigned control = 0;
		for (unsigned i = 0; i < 390; i++) {
			dp_limiter_begin(&sides[0], now += HZ / 10000000);
			control += dp_limiter_take(&sides[0], 0);
			/* What is alone on its thread needs a look now and then. */
			now += n > 1 ? HZ / 10000 : 0;
		}
		check(control == 390, "%u threads: a quarter of the burst is left for control: %u of 390", n, control);
	}
}

static void
test_worker_names(void)
{
	static const struct {
		const char *port;
		unsigned position, queue;
		const char *name;
	} cases[] = {
		{"vf0", 0, 1, "vhost-vf0-1"},	      {"uplinka", 0, 9, "vhost-uplinka-9"},
		{"uplink-a", 0, 0, "vhost-p0-q0"},    {"uplink-b", 1, 0, "vhost-p1-q0"},
		{"uplinka", 63, 15, "vhost-p63-q15"},
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[DP_VHOST_WORKER_NAME];
		dp_vhost_worker_name(name, cases[i].port, cases[i].position, cases[i].queue);
		check(strcmp(name, cases[i].name) == 0, "worker %u of port %s is %s", cases[i].queue, cases[i].port,
		      name);
	}
}

#define RING_SIZE 256

static void
open_rings(struct dp_exception_thread *t, unsigned n_lcores)
{
	ssize_t size = rte_ring_get_memsize(RING_SIZE);
	memset(t, 0, sizeof(*t));
	t->n_lcores = n_lcores;
	for (unsigned l = 0; l < n_lcores; l++)
		for (unsigned c = 0; c < DP_CLASS_COUNT; c++) {
			t->rings[l][c] = aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size);
			rte_ring_init(t->rings[l][c], "test", RING_SIZE, RING_F_SP_ENQ | RING_F_SC_DEQ);
		}
}

static void
close_rings(struct dp_exception_thread *t)
{
	for (unsigned l = 0; l < t->n_lcores; l++)
		for (unsigned c = 0; c < DP_CLASS_COUNT; c++)
			free(t->rings[l][c]);
}

/* What an lcore punts, marked with whose it is. Returns how many the ring took. */
static unsigned
punt(struct dp_exception_thread *t, unsigned lcore, enum dp_class klass, unsigned n)
{
	static struct rte_mbuf of_lcore[DP_MAX_LCORES];
	unsigned taken = 0;
	of_lcore[lcore].port = (uint16_t)lcore;
	while (taken < n && rte_ring_sp_enqueue(t->rings[lcore][klass], &of_lcore[lcore]) == 0)
		taken++;
	return taken;
}

/* Lcore `flooded` always has a full ring; the others punt a few packets for each burst, now and then all of control. */
static void
test_flooded_lcore(unsigned n_lcores, unsigned flooded)
{
	static struct dp_exception_thread t;
	unsigned lost = 0, wrong = 0, got[DP_MAX_LCORES] = {0}, n_bursts = 1000;
	open_rings(&t, n_lcores);
	for (unsigned burst = 0; burst < n_bursts; burst++) {
		bool control = burst % 2 == 1;
		punt(&t, flooded, DP_CLASS_OTHER, RING_SIZE);
		punt(&t, flooded, DP_CLASS_CONTROL, control);
		for (unsigned l = 0; l < n_lcores; l++)
			lost += l == flooded ? 0 : 4 - punt(&t, l, DP_CLASS_OTHER, 4);
		struct rte_mbuf *pkts[DP_PUNT_BURST];
		enum dp_class klass;
		unsigned n = dp_exception_take(&t, &klass, pkts);
		wrong += klass != (control ? DP_CLASS_CONTROL : DP_CLASS_OTHER);
		for (unsigned i = 0; i < n; i++)
			got[pkts[i]->port]++;
	}
	close_rings(&t);
	check(wrong == 0, "%u lcores, %u flooded: control goes first", n_lcores, flooded);
	check(lost == 0, "%u lcores, %u flooded: the others lose %u of %u", n_lcores, flooded, lost,
	      4 * n_bursts * (n_lcores - 1));
	/* Of the bursts of its class every n-th begins with the flood, and gives it all 64. */
	check(got[flooded] >= n_bursts / 2 / n_lcores * DP_PUNT_BURST, "and the flood gets its share: %u",
	      got[flooded]);
}

int
main(void)
{
	test_worker_names();
	for (unsigned n_lcores = 2; n_lcores <= 4; n_lcores++)
		for (unsigned flooded = 0; flooded < n_lcores; flooded++)
			test_flooded_lcore(n_lcores, flooded);
	test_shared_limit();
	test_limits_of_limits();
	test_reserve();
	test_latency_slots();
	test_sample();
	test_directions();
	test_fragments();
	test_spread();
	test_without_addresses();
	return checks_exit_code();
}
