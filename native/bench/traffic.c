/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <rte_byteorder.h>

#include "../test/checks.h"
#include "bench.h"

#define FRAME 60 /* 64 with its FCS */

enum { ICMP = 1, TCP = 6, UDP = 17 };

struct flow {
	uint8_t protocol;
	uint32_t source;
	uint32_t destination;
	uint16_t source_port;
	uint16_t destination_port;
};

static void
put16(uint8_t *at, uint16_t value)
{
	rte_be16_t wire = rte_cpu_to_be_16(value);
	memcpy(at, &wire, sizeof(wire));
}

static void
put32(uint8_t *at, uint32_t value)
{
	rte_be32_t wire = rte_cpu_to_be_32(value);
	memcpy(at, &wire, sizeof(wire));
}

static void
write_ipv4(uint8_t *frame, const struct flow *flow)
{
	put16(frame + 12, 0x0800);
	frame[14] = 0x45;
	put16(frame + 16, FRAME - 14);
	frame[22] = 64;
	frame[23] = flow->protocol;
	put32(frame + 26, flow->source);
	put32(frame + 30, flow->destination);
	put16(frame + 34, flow->source_port);
	put16(frame + 36, flow->destination_port);
}

static void
write_ipv6_udp(uint8_t *frame)
{
	put16(frame + 12, 0x86dd);
	frame[14] = 0x60;
	frame[20] = UDP;
	put32(frame + 22, 0x20010db8);
	put32(frame + 38, 0x20010db8);
	put16(frame + 54, 1024);
	put16(frame + 56, 1025);
}

/* Ports below 10,000 and addresses beyond what any list speaks of. */
static struct flow
unmatched(uint64_t *random, uint8_t protocol)
{
	return (struct flow){.protocol = protocol,
			     .source = 0x0ac00000 + next_random(random) % 65536,
			     .destination = 0x0ad00000 + next_random(random) % 65536,
			     .source_port = (uint16_t)(1024 + next_random(random) % 8000),
			     .destination_port = (uint16_t)(1024 + next_random(random) % 8000)};
}

/* What a pod gets beside its user plane; one in eight is for some rule. */
static void
write_for_builtins(uint8_t *frame, uint64_t *random)
{
	struct flow flow = unmatched(random, TCP);
	switch (next_random(random) % 8) {
	case 0:
		put16(frame + 12, 0x0806);
		return;
	case 1:
		write_ipv6_udp(frame);
		return;
	case 2:
		flow.destination_port = 179;
		break;
	case 3:
		flow.protocol = ICMP;
		break;
	case 4:
		flow.destination = BENCH_OWN_ADDRESS(0);
		break;
	default:
		break;
	}
	write_ipv4(frame, &flow);
}

static void
write_matched(uint8_t *frame, enum bench_list_kind list, uint64_t *random)
{
	unsigned which = next_random(random) % BENCH_RULES;
	struct flow flow = unmatched(random, UDP);
	if (list == BENCH_BUILTINS) {
		write_for_builtins(frame, random);
		return;
	}
	if (list == BENCH_PORTS)
		flow.destination_port = (uint16_t)BENCH_PORT(which);
	if (list == BENCH_ADDRESSES)
		flow.destination = BENCH_OWN_ADDRESS(which / 2);
	if (list == BENCH_TUPLES)
		flow = (struct flow){.protocol = UDP,
				     .source = BENCH_TUPLE_SOURCE(which),
				     .destination = BENCH_TUPLE_DESTINATION(which),
				     .source_port = (uint16_t)BENCH_TUPLE_SOURCE_PORT(which),
				     .destination_port = (uint16_t)BENCH_TUPLE_DESTINATION_PORT(which)};
	write_ipv4(frame, &flow);
}

void
bench_traffic_make(struct bench_traffic *traffic, enum bench_list_kind list, enum bench_traffic_kind kind)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint64_t random = 4711;
	memset(traffic, 0, sizeof(*traffic));
	traffic->name = kind == BENCH_UNMATCHED ? "unmatched UDP" : "mixed";
	for (unsigned i = 0; i < BENCH_FRAMES; i++) {
		uint8_t *frame = traffic->frames[i];
		struct flow flow = unmatched(&random, UDP);
		memcpy(frame, macs, sizeof(macs));
		if (kind == BENCH_MIXED && next_random(&random) % 2 == 0)
			write_matched(frame, list, &random);
		else
			write_ipv4(frame, &flow);
		traffic->mbufs[i] = (struct rte_mbuf){.buf_addr = frame,
						      .buf_len = sizeof(traffic->frames[i]),
						      .data_len = FRAME,
						      .pkt_len = FRAME,
						      .nb_segs = 1};
	}
	for (unsigned i = 0; i < BENCH_PACKETS; i++)
		traffic->pkts[i] = &traffic->mbufs[next_random(&random) % BENCH_FRAMES];
}
