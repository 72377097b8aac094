/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GRO against what segmentation does: flows are cut into wire frames, merged, and cut again, which must give the wire
 * frames byte for byte; then every rule for what may not be merged; then mutated frames. Each frame is in memory of
 * exactly its length, for ASan.
 */
#include "frame_bytes.h"
#include "gro.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "offload.h"

#define N_BURSTS 2000
#define N_MUTATED 20000
#define MAX_FLOWS 6

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define URG 0x20
#define ECE 0x40
#define CWR 0x80

struct frame {
	uint8_t *data;
	uint32_t length;
};

struct burst {
	struct frame frames[DP_MAX_BURST];
	unsigned flows[DP_MAX_BURST];
	struct dp_gro_packet packets[DP_MAX_BURST];
	unsigned n;
};

/* What a flow's packets have in common. */
struct flow {
	bool ipv6;
	unsigned tags;
	unsigned option_bytes;
	unsigned segment_bytes;
	uint32_t seq;
	uint16_t id;
	bool constant_id;
	uint8_t number; /* part of addresses and ports */
};

static struct dp_gro gro;

static uint32_t
between(uint64_t *random, uint32_t low, uint32_t high)
{
	return low + next_random(random) % (high - low + 1);
}

/* The Internet checksum, a byte at a time. */
static uint32_t
add_bytes(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t
tcp_sum(const struct frame *f, const struct dp_headers *h)
{
	uint32_t l4_length = f->length - h->l4_offset;
	const uint8_t *ip = f->data + h->l3_offset;
	uint32_t sum = h->ipv6 ? add_bytes(0, ip + 8, 32) : add_bytes(0, ip + 12, 8);
	return add_bytes(add_bytes(sum + 6 + l4_length, f->data + h->l4_offset, l4_length), NULL, 0);
}

/* Makes both checksums right again after a change. */
static void
finish(struct frame *f)
{
	struct dp_headers h;
	if (!dp_headers_parse(f->data, f->length, &h))
		return;
	uint8_t *ip = f->data + h.l3_offset;
	if (!h.ipv6) {
		put(ip + 10, 0, 2);
		put(ip + 10, ~add_bytes(0, ip, h.l4_offset - h.l3_offset) & 0xffff, 2);
	}
	if (h.protocol != 6)
		return;
	put(f->data + h.l4_offset + 16, 0, 2);
	put(f->data + h.l4_offset + 16, ~tcp_sum(f, &h) & 0xffff, 2);
}

/* A frame of a flow as a host would send it; `flags` besides ACK. */
static struct frame
make_frame(struct flow *flow, uint32_t payload, uint8_t flags, uint64_t *random)
{
	uint32_t l3 = 14 + 4 * flow->tags, l4 = l3 + (flow->ipv6 ? 40 : 20), header = 20 + flow->option_bytes;
	struct frame f = {.length = l4 + header + payload};
	f.data = calloc(1, f.length);
	memset(f.data, flow->number, 12);
	for (unsigned t = 0; t < flow->tags; t++)
		put(f.data + 12 + 4 * t, (t == 0 && flow->tags == 2 ? 0x88a80000 : 0x81000000) | flow->number, 4);
	put(f.data + l3 - 2, flow->ipv6 ? 0x86dd : 0x0800, 2);
	uint8_t *ip = f.data + l3;
	if (flow->ipv6) {
		put(ip, 0x60000000 | flow->number, 4);
		put(ip + 4, header + payload, 2);
		put(ip + 6, 0x0640, 2);
		ip[8 + 15] = ip[24 + 15] = flow->number;
	} else {
		put(ip, 0x45000000 | (l4 - l3 + header + payload), 4);
		put(ip + 4, flow->id, 2);
		put(ip + 6, 0x40004006, 4);
		put(ip + 12, 0x0a000000 + flow->number, 4);
		put(ip + 16, 0x0a000100, 4);
	}
	uint8_t *tcp = f.data + l4;
	put(tcp, 1000u << 16 | (2000u + flow->number), 4);
	put(tcp + 4, flow->seq, 4);
	put(tcp + 8, 0x01020304, 4);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = ACK | flags;
	put(tcp + 14, 500, 2);
	memset(tcp + 20, 1, flow->option_bytes);
	for (uint32_t i = 0; i < payload; i++)
		tcp[header + i] = (uint8_t)next_random(random);
	flow->seq += payload;
	flow->id = (uint16_t)(flow->id + !flow->constant_id);
	finish(&f);
	return f;
}

static void
add(struct burst *b, struct frame f, unsigned flow)
{
	b->frames[b->n] = f;
	b->flows[b->n] = flow;
	b->packets[b->n] = (struct dp_gro_packet){.data = f.data, .length = f.length};
	b->n++;
}

static void
clear(struct burst *b)
{
	for (unsigned i = 0; i < b->n; i++)
		free(b->frames[i].data);
	b->n = 0;
}

/* The frame that the kernel gets. */
static struct frame
merged_frame(const struct burst *b, const struct dp_gro_frame *f)
{
	uint8_t headers[DP_GRO_HEADERS_MAX];
	uint32_t n = dp_gro_write_headers(f, b->packets, headers);
	struct frame whole = {.data = malloc(n + f->payload_bytes), .length = n + f->payload_bytes};
	memcpy(whole.data, headers, n);
	for (uint16_t i = f->first; i != DP_GRO_END; i = gro.next[i]) {
		uint32_t payload = b->packets[i].length - f->payload_offset;
		memcpy(whole.data + n, b->packets[i].data + f->payload_offset, payload);
		n += payload;
	}
	return whole;
}

/* RFC 6864: the id of a packet that cannot be fragmented says nothing. */
static void
blank_id(uint8_t *frame, uint32_t l3)
{
	memset(frame + l3 + 4, 0, 2);
	memset(frame + l3 + 10, 0, 2);
}

static bool
cuts_into_its_packets(const struct burst *b, const struct dp_gro_frame *f, const struct frame *whole)
{
	struct dp_segmenter cutter;
	const struct dp_offload offload = {.gso = f->ipv6 ? DP_GSO_TCP6 : DP_GSO_TCP4,
					   .segment_bytes = f->segment_bytes};
	if (!dp_segmenter_init(&cutter, whole->data, whole->length, &offload))
		return false;
	static uint8_t segment[DP_FRAME_MAX];
	bool same = true;
	for (uint16_t i = f->first; i != DP_GRO_END; i = gro.next[i]) {
		uint32_t length = dp_segmenter_next(&cutter, segment);
		struct frame copy = {.data = malloc(b->frames[i].length), .length = b->frames[i].length};
		memcpy(copy.data, b->frames[i].data, copy.length);
		if (f->id_step == 0 && !f->ipv6) {
			blank_id(copy.data, f->l3_offset);
			blank_id(segment, f->l3_offset);
		}
		same &= length == copy.length && memcmp(segment, copy.data, length) == 0;
		free(copy.data);
	}
	return same && dp_segmenter_next(&cutter, segment) == 0;
}

/* The field holds what the kernel completes to the right checksum, as for a frame that one of its own sockets sent. */
static bool
completes_to_right_checksum(const struct dp_gro_frame *f, struct frame *whole)
{
	struct dp_headers h;
	return dp_headers_parse(whole->data, whole->length, &h) && h.l4_offset == f->l4_offset &&
	       (f->ipv6 || add_bytes(0, whole->data + h.l3_offset, 20) == 0xffff) &&
	       dp_checksum_complete(whole->data, whole->length, f->l4_offset, DP_GRO_CHECKSUM_OFFSET) &&
	       tcp_sum(whole, &h) == 0xffff;
}

/* Every packet in one frame, frames by first packet, and each flow in order. */
static bool
is_orderly(const struct burst *b)
{
	bool seen[DP_MAX_BURST] = {false};
	int last_of_flow[MAX_FLOWS + 1];
	unsigned total = 0;
	memset(last_of_flow, -1, sizeof(last_of_flow));
	for (unsigned k = 0; k < gro.n_frames; k++) {
		const struct dp_gro_frame *f = &gro.frames[k];
		unsigned n = 0;
		if (k > 0 && f->first <= gro.frames[k - 1].first)
			return false;
		for (uint16_t i = f->first; i != DP_GRO_END; i = gro.next[i], n++) {
			if (i >= b->n || seen[i] || (int)i <= last_of_flow[b->flows[i]] ||
			    b->flows[i] != b->flows[f->first])
				return false;
			seen[i] = true;
			last_of_flow[b->flows[i]] = i;
		}
		if (n != f->n)
			return false;
		total += n;
	}
	return total == b->n;
}

static struct flow
random_flow(uint64_t *random, uint8_t number)
{
	return (struct flow){
		.ipv6 = between(random, 0, 1),
		.tags = between(random, 0, 2),
		.option_bytes = 4 * between(random, 0, 10),
		.segment_bytes = between(random, 1, 1448),
		.seq = next_random(random),
		.id = (uint16_t)next_random(random),
		.constant_id = between(random, 0, 3) == 0,
		.number = number,
	};
}

/* Flows in any mixture, with what ends a frame now and then, and packets that are no segments. */
static void
fill_randomly(struct burst *b, uint64_t *random)
{
	struct flow flows[MAX_FLOWS];
	for (uint8_t i = 0; i < MAX_FLOWS; i++)
		flows[i] = random_flow(random, i);
	for (unsigned n = between(random, 1, DP_MAX_BURST); n > 0; n--) {
		unsigned i = between(random, 0, MAX_FLOWS - 1);
		struct flow *flow = &flows[i];
		switch (between(random, 0, 15)) {
		case 0:
			add(b, make_frame(flow, between(random, 0, flow->segment_bytes), PSH, random), i);
			break;
		case 1:
			add(b, make_frame(flow, 0, 0, random), i);
			break;
		case 2:
			add(b, make_frame(flow, flow->segment_bytes, between(random, 0, 1) ? CWR : ECE, random), i);
			break;
		case 3: { /* ARP */
			struct frame f = {.data = calloc(1, 42), .length = 42};
			put(f.data + 12, 0x0806, 2);
			add(b, f, MAX_FLOWS);
			break;
		}
		default:
			add(b, make_frame(flow, flow->segment_bytes, 0, random), i);
		}
	}
}

static void
test_cut_again(void)
{
	uint64_t random = 11;
	unsigned orderly = 0, merged = 0, same = 0, completed = 0;
	static struct burst b;
	for (unsigned i = 0; i < N_BURSTS; i++) {
		fill_randomly(&b, &random);
		dp_gro_burst(&gro, b.packets, (uint16_t)b.n);
		orderly += is_orderly(&b);
		for (unsigned k = 0; k < gro.n_frames; k++) {
			const struct dp_gro_frame *f = &gro.frames[k];
			if (f->n == 1)
				continue;
			struct frame whole = merged_frame(&b, f);
			merged++;
			same += cuts_into_its_packets(&b, f, &whole);
			completed += completes_to_right_checksum(f, &whole);
			free(whole.data);
		}
		clear(&b);
	}
	check(orderly == N_BURSTS, "every packet in one frame, flows in order: %u of %u bursts", orderly, N_BURSTS);
	check(merged > N_BURSTS, "flows that are mixed are merged: %u frames", merged);
	check(same == merged, "cut again they are what was on the wire: %u of %u frames", same, merged);
	check(completed == merged, "lengths and partial checksum are right: %u of %u frames", completed, merged);
}

static void
test_long_flow(void)
{
	uint64_t random = 12;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		struct flow flow = {.ipv6 = ipv6, .option_bytes = 12, .segment_bytes = 1448, .number = 1};
		static struct burst b;
		for (unsigned i = 0; i < 100; i++)
			add(&b, make_frame(&flow, 1448, i == 99 ? FIN | PSH : 0, &random), 0);
		dp_gro_burst(&gro, b.packets, (uint16_t)b.n);
		bool right =
			gro.n_frames == 3 && gro.frames[0].n == 45 && gro.frames[1].n == 45 && gro.frames[2].n == 10;
		check(right, "100 segments of one IPv%d flow become 3 frames of at most 64 KiB", ipv6 ? 6 : 4);
		clear(&b);
	}
}

/* Two segments of one flow, changed before their checksums are made. */
struct rule {
	const char *text;
	void (*change)(uint8_t *first, uint8_t *second); /* Ethernet header first; IP at 14 */
	bool merges;
};

#define RULE(name, statement)                             \
	static void name(uint8_t *first, uint8_t *second) \
	{                                                 \
		(void)first;                              \
		(void)second;                             \
		statement;                                \
	}

RULE(nothing, )
RULE(destination, second[0] ^= 1)
RULE(vlan_tag, put(second + 12, 0x88a8, 2))
RULE(sequence, put(second + 38, get(second + 38, 4) + 1, 4))
RULE(sequence_back, put(second + 38, get(second + 38, 4) - 1, 4))
RULE(acknowledgement, second[45] ^= 1)
RULE(port, second[35] ^= 1)
RULE(window, second[49] ^= 1)
RULE(urgent_pointer, second[53] ^= 1)
RULE(options, second[60] ^= 1)
RULE(ece, second[47] |= ECE)
RULE(ece_both, first[47] |= ECE; second[47] |= ECE)
RULE(cwr_first, first[47] |= CWR)
RULE(cwr_second, second[47] |= CWR)
RULE(no_ack, second[47] &= (uint8_t)~ACK)
RULE(psh_first, first[47] |= PSH)
RULE(psh_second, second[47] |= PSH)
RULE(fin_first, first[47] |= FIN)
RULE(fin_second, second[47] |= FIN)
RULE(syn_both, first[47] |= SYN; second[47] |= SYN)
RULE(rst_second, second[47] |= RST)
RULE(urg_both, first[47] |= URG; second[47] |= URG)
RULE(tos, second[15] ^= 4)
RULE(ttl, second[22] ^= 1)
RULE(address, second[29] ^= 1)
RULE(dont_fragment, second[20] = 0)
RULE(id_gap, put(second + 18, get(second + 18, 2) + 1, 2))
RULE(id_same, memcpy(second + 18, first + 18, 2))
RULE(id_same_fragmentable, memcpy(second + 18, first + 18, 2); first[20] = second[20] = 0)
RULE(id_next_fragmentable, first[20] = second[20] = 0)
RULE(more_fragments, second[20] |= 0x20)
RULE(reserved_bit, second[20] |= 0x80)
RULE(protocol, second[23] = 17)

static const struct rule rules[] = {
	{"the next segment", nothing, true},
	{"another MAC address", destination, false},
	{"another Ethernet type", vlan_tag, false},
	{"a segment missing between", sequence, false},
	{"a segment that overlaps", sequence_back, false},
	{"another acknowledgement", acknowledgement, false},
	{"another port", port, false},
	{"another window", window, false},
	{"another urgent pointer", urgent_pointer, false},
	{"other options", options, false},
	{"ECE in one", ece, false},
	{"ECE in both", ece_both, true},
	{"CWR in the first", cwr_first, true},
	{"CWR in the second", cwr_second, false},
	{"ACK in one", no_ack, false},
	{"PSH in the first", psh_first, false},
	{"PSH in the second", psh_second, true},
	{"FIN in the first", fin_first, false},
	{"FIN in the second", fin_second, true},
	{"SYN in both", syn_both, false},
	{"RST in the second", rst_second, false},
	{"URG in both", urg_both, false},
	{"another type of service", tos, false},
	{"another time to live", ttl, false},
	{"another address", address, false},
	{"\"don't fragment\" in one", dont_fragment, false},
	{"an id missing between", id_gap, false},
	{"one id for all, not to be fragmented", id_same, true},
	{"one id for all, to be fragmented", id_same_fragmentable, false},
	{"the next id, to be fragmented", id_next_fragmentable, true},
	{"a fragment", more_fragments, false},
	{"the reserved bit", reserved_bit, false},
	{"another protocol", protocol, false},
};

static void
test_rules(void)
{
	uint64_t random = 13;
	for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct flow flow = {.option_bytes = 12, .segment_bytes = 100, .id = 77, .number = 1};
		static struct burst b;
		struct frame first = make_frame(&flow, 100, 0, &random), second = make_frame(&flow, 100, 0, &random);
		rules[i].change(first.data, second.data);
		finish(&first);
		finish(&second);
		add(&b, first, 0);
		add(&b, second, 0);
		dp_gro_burst(&gro, b.packets, (uint16_t)b.n);
		check((gro.n_frames == 1) == rules[i].merges, "%s: %s", rules[i].text,
		      rules[i].merges ? "one frame" : "two frames");
		clear(&b);
	}
}

RULE(traffic_class, second[15] ^= 0x10)
RULE(flow_label, second[17] ^= 1)
RULE(hop_limit, second[21] ^= 1)
RULE(address6, second[37] ^= 1)
RULE(extension, second[20] = 60)

static const struct rule ipv6_rules[] = {
	{"the next segment", nothing, true},	   {"another traffic class", traffic_class, false},
	{"another flow label", flow_label, false}, {"another hop limit", hop_limit, false},
	{"another address", address6, false},	   {"an extension header", extension, false},
};

static void
test_ipv6_rules(void)
{
	uint64_t random = 14;
	for (unsigned i = 0; i < sizeof(ipv6_rules) / sizeof(ipv6_rules[0]); i++) {
		struct flow flow = {.ipv6 = true, .segment_bytes = 100, .number = 1};
		static struct burst b;
		struct frame first = make_frame(&flow, 100, 0, &random), second = make_frame(&flow, 100, 0, &random);
		ipv6_rules[i].change(first.data, second.data);
		finish(&first);
		finish(&second);
		add(&b, first, 0);
		add(&b, second, 0);
		dp_gro_burst(&gro, b.packets, (uint16_t)b.n);
		check((gro.n_frames == 1) == ipv6_rules[i].merges, "IPv6, %s: %s", ipv6_rules[i].text,
		      ipv6_rules[i].merges ? "one frame" : "two frames");
		clear(&b);
	}
}

static struct burst three;

/* Three segments of one flow; tests damage one and look at what becomes of all. */
static void
make_three(uint32_t first_payload, uint32_t second_payload)
{
	uint64_t random = 15;
	struct flow flow = {.segment_bytes = 200, .number = 1};
	clear(&three);
	add(&three, make_frame(&flow, first_payload, 0, &random), 0);
	add(&three, make_frame(&flow, second_payload, 0, &random), 0);
	add(&three, make_frame(&flow, 100, 0, &random), 0);
}

static void
check_three(unsigned frames, unsigned packets_of_first, const char *text)
{
	dp_gro_burst(&gro, three.packets, (uint16_t)three.n);
	check(gro.n_frames == frames && gro.frames[0].n == packets_of_first && is_orderly(&three), "%s", text);
}

static void
test_sizes(void)
{
	make_three(100, 50);
	check_three(2, 2, "a shorter segment ends its frame");
	make_three(50, 100);
	check_three(2, 1, "a longer segment begins another frame");
	make_three(100, 0);
	check_three(3, 1, "an acknowledgement without payload ends a frame and is none's");
	make_three(100, 100);
	three.packets[2].length--;
	check_three(2, 2, "a frame that is shorter than its IP packet is left alone");
	make_three(100, 100);
	put(three.frames[1].data + 16, get(three.frames[1].data + 16, 2) - 4, 2);
	finish(&three.frames[1]);
	check_three(3, 1, "a frame with padding is left alone");
}

static void
test_checksums(void)
{
	make_three(100, 100);
	three.frames[0].data[100] ^= 1;
	check_three(2, 1, "a bad checksum in the first packet leaves it alone");
	check(three.packets[0].checksum == DP_GRO_BAD, "it is known as bad, and not marked as verified");
	make_three(100, 100);
	three.frames[1].data[100] ^= 1;
	check_three(3, 1, "a bad checksum in the second packet leaves it alone, and the third has lost its place");
	make_three(100, 100);
	three.frames[1].data[25] ^= 1;
	check_three(3, 1, "so does a bad checksum of the IPv4 header");
	make_three(100, 100);
	three.frames[1].data[100] ^= 1;
	three.packets[1].checksum = DP_GRO_GOOD;
	check_three(1, 3, "a checksum that the port verified is not looked at again");
	make_three(100, 100);
	three.packets[1].checksum = DP_GRO_BAD;
	check_three(3, 1, "nor one that the port found bad");
	make_three(100, 0);
	dp_gro_burst(&gro, three.packets, 2);
	check(three.packets[0].checksum == DP_GRO_UNVERIFIED, "a packet that is not merged is not summed up");
}

static void
test_pieces(void)
{
	make_three(100, 100);
	three.packets[1].data = NULL;
	check_three(3, 1, "a packet in several pieces is left alone, and nothing passes it");
	clear(&three);
}

static void
mutate(struct burst *b, uint64_t *random)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct frame *f = &b->frames[i];
		if (between(random, 0, 2) == 0) {
			f->length = between(random, 0, f->length);
			f->data = realloc(f->data, f->length == 0 ? 1 : f->length);
		}
		for (unsigned k = between(random, 0, 2); k > 0 && f->length > 0; k--)
			f->data[between(random, 0, f->length < 80 ? f->length - 1 : 79)] = (uint8_t)next_random(random);
		if (between(random, 0, 1))
			finish(f);
		b->packets[i] = (struct dp_gro_packet){
			.data = f->data, .length = f->length, .checksum = (enum dp_gro_checksum)between(random, 0, 2)};
		b->flows[i] = 0;
	}
}

static void
test_mutated(void)
{
	uint64_t random = 16;
	unsigned whole_bursts = 0;
	static struct burst b;
	for (unsigned i = 0; i < N_MUTATED; i++) {
		struct flow flow = random_flow(&random, 1);
		for (unsigned n = between(&random, 1, 8); n > 0; n--)
			add(&b, make_frame(&flow, between(&random, 0, 40), 0, &random), 0);
		mutate(&b, &random);
		dp_gro_burst(&gro, b.packets, (uint16_t)b.n);
		unsigned total = 0;
		for (unsigned k = 0; k < gro.n_frames; k++) {
			total += gro.frames[k].n;
			if (gro.frames[k].n > 1)
				free(merged_frame(&b, &gro.frames[k]).data);
		}
		whole_bursts += total == b.n;
		clear(&b);
	}
	check(whole_bursts == N_MUTATED, "mutated frames: no packet lost in %u of %u bursts", whole_bursts, N_MUTATED);
}

int
main(void)
{
	test_cut_again();
	test_long_flow();
	test_rules();
	test_ipv6_rules();
	test_sizes();
	test_checksums();
	test_pieces();
	test_mutated();
	return checks_exit_code();
}
