/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

#include <string.h>

#include "corpus_internal.h"

uint32_t
dp_corpus_random(struct dp_corpus *corpus)
{
	corpus->random = corpus->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(corpus->random >> 33);
}

uint32_t
dp_corpus_below(struct dp_corpus *corpus, uint32_t n)
{
	return dp_corpus_random(corpus) % n;
}

static const uint64_t destinations[] = {0xffffffffffff, 0x01005e0000fb, 0x333300000001, 0x0180c200000e, 0x0180c2000002,
					0x0180c2000000, 0x020000000001, 0x020000000002, 0x500000000001};
static const uint16_t tag_types[] = {0x8100, 0x8100, 0x8100, 0x88a8, 0x9100};
static const uint16_t other_types[] = {0x8035, 0x88cc, 0x8809, 0x8847, 0x8848, 0x8863, 0x8864, 0x888e,
				       0x9000, 0x88f7, 0x0600, 0x80f3, 0x6004, 0x88e5, 0x0500, 0x05ff};
static const uint16_t lengths_or_saps[] = {0x4242, 0xaaaa, 0xf0f0, 0xfefe, 0xe0e0, 0xffff};
static const uint32_t addresses4[] = {0x0a010203, 0x0a630001, 0x0a630002, 0xc0a80001, 0xc0a800fe, 0xc0a80101,
				      0x7f000001, 0xe0000001, 0xeffffffa, 0xac120504, 0xc0000201, 0x08080808,
				      0xffffffff, 0x0a0a0a0a, 0x00000000, 0x80000001};
static const uint64_t prefixes6[] = {0xfd00000000000000, 0xfe80000000000000, 0xff02000000000000, 0x20014b980db00000,
				     0x20010db800000000, 0x0000000000000000, 0xff05000000000000};
static const uint16_t ports[] = {22,   25,   53,   80,	 123,  135,  179,  443,	 445,	514,   1433, 1500,
				 1501, 1549, 1550, 2152, 4789, 5353, 6000, 8080, 49152, 65535, 0};
static const uint8_t protocols[] = {1, 2, 6, 6, 6, 17, 17, 17, 41, 47, 50, 51, 58, 58, 88, 89, 103, 112, 132, 0, 255};
static const uint8_t extension_headers[] = {0, 43, 44, 51, 60, 135, 139, 140};
static const uint8_t icmp_types[] = {0, 3, 5, 8, 11, 13, 128, 129, 132, 133, 134, 135, 136, 137, 138, 255};

static uint16_t
some_port(struct dp_corpus *corpus)
{
	return chance(corpus, 75) ? PICK(corpus, ports) : (uint16_t)dp_corpus_random(corpus);
}

static void
put_transport(struct writer *writer, uint8_t protocol)
{
	struct dp_corpus *corpus = writer->corpus;
	switch (protocol) {
	case 6:
		put(writer, some_port(corpus), 2);
		put(writer, some_port(corpus), 2);
		put_random(writer, 8);
		put(writer, (chance(corpus, 70) ? 5u : dp_corpus_below(corpus, 16)) << 4, 1);
		put_random(writer, 7);
		if (chance(corpus, 30))
			put(writer, chance(corpus, 50) ? 0x47455420 : 0x18030300 | dp_corpus_below(corpus, 5), 4);
		break;
	case 17:
	case 132:
		put(writer, some_port(corpus), 2);
		put(writer, some_port(corpus), 2);
		put_random(writer, 4);
		break;
	case 1:
	case 58:
		put(writer, PICK(corpus, icmp_types), 1);
		put(writer, dp_corpus_below(corpus, 3), 1);
		put_random(writer, 6);
		put(writer, chance(corpus, 30) ? 0xaaaaaaaa : dp_corpus_random(corpus), 4);
		break;
	default:
		put_random(writer, 8);
	}
}

static uint32_t
some_address4(struct dp_corpus *corpus)
{
	return chance(corpus, 85) ? PICK(corpus, addresses4) : dp_corpus_random(corpus) << 1;
}

static void
put_ipv4(struct writer *writer)
{
	struct dp_corpus *corpus = writer->corpus;
	uint32_t ihl = chance(corpus, 70)   ? 5
		       : chance(corpus, 85) ? 5 + dp_corpus_below(corpus, 11)
					    : dp_corpus_below(corpus, 5);
	uint8_t protocol = PICK(corpus, protocols);
	put(writer, (chance(corpus, 95) ? 0x40 : dp_corpus_below(corpus, 16) << 4) | ihl, 1);
	put_random(writer, 1);
	put(writer, chance(corpus, 20) ? 92 : chance(corpus, 20) ? 48 : dp_corpus_below(corpus, 1500), 2);
	put_random(writer, 2);
	put(writer, chance(corpus, 70) ? dp_corpus_below(corpus, 2) << 14 : dp_corpus_below(corpus, 65536), 2);
	put_random(writer, 1);
	put(writer, protocol, 1);
	put_random(writer, 2);
	put(writer, some_address4(corpus), 4);
	put(writer, some_address4(corpus), 4);
	put_random(writer, ihl > 5 ? (ihl - 5) * 4 : 0);
	put_transport(writer, protocol);
}

static void
put_address6(struct writer *writer)
{
	struct dp_corpus *corpus = writer->corpus;
	put(writer, PICK(corpus, prefixes6), 8);
	put(writer, chance(corpus, 70) ? dp_corpus_below(corpus, 9) : dp_corpus_random(corpus), 8);
}

static uint8_t
put_extension_header(struct writer *writer, uint8_t type, uint8_t next)
{
	struct dp_corpus *corpus = writer->corpus;
	uint32_t units = chance(corpus, 80) ? dp_corpus_below(corpus, 3) : dp_corpus_below(corpus, 256);
	put(writer, next, 1);
	put(writer, units, 1);
	if (type == 44)
		put(writer, chance(corpus, 60) ? 1 : dp_corpus_below(corpus, 65536), 2);
	uint32_t size = type == 44 ? 8 : type == 51 ? (units + 2) * 4 : (units + 1) * 8;
	put_random(writer, size - (type == 44 ? 4 : 2));
	return next;
}

static void
put_ipv6(struct writer *writer)
{
	struct dp_corpus *corpus = writer->corpus;
	uint32_t n_headers = chance(corpus, 70) ? 0 : chance(corpus, 95) ? 1 + dp_corpus_below(corpus, 3) : 18;
	uint8_t protocol = PICK(corpus, protocols);
	uint8_t next = n_headers > 0 ? PICK(corpus, extension_headers) : protocol;
	put(writer, 0x60000000 | dp_corpus_below(corpus, 1 << 24), 4);
	put(writer, dp_corpus_below(corpus, 1500), 2);
	put(writer, next, 1);
	put_random(writer, 1);
	put_address6(writer);
	put_address6(writer);
	for (uint32_t i = 1; i <= n_headers; i++)
		next = put_extension_header(writer, next, i < n_headers ? PICK(corpus, extension_headers) : protocol);
	put_transport(writer, protocol);
}

static void
put_arp(struct writer *writer)
{
	struct dp_corpus *corpus = writer->corpus;
	put(writer, 0x000108000604, 6);
	put(writer, 1 + dp_corpus_below(corpus, 2), 2);
	put_random(writer, 6);
	put(writer, some_address4(corpus), 4);
	put_random(writer, 6);
	put(writer, some_address4(corpus), 4);
}

static void
put_mpls(struct writer *writer)
{
	struct dp_corpus *corpus = writer->corpus;
	uint32_t labels = 1 + dp_corpus_below(corpus, 3);
	for (uint32_t i = 1; i <= labels; i++)
		put(writer,
		    (chance(corpus, 50) ? 1024u : dp_corpus_below(corpus, 1 << 20)) << 12 | (i == labels) << 8 | 64, 4);
	put_ipv4(writer);
}

static void
put_network(struct writer *writer)
{
	struct dp_corpus *corpus = writer->corpus;
	uint32_t kind = dp_corpus_below(corpus, 100);
	if (kind < 45) {
		put(writer, 0x0800, 2);
		put_ipv4(writer);
	} else if (kind < 75) {
		put(writer, 0x86dd, 2);
		put_ipv6(writer);
	} else if (kind < 83) {
		put(writer, chance(corpus, 80) ? 0x0806 : 0x8035, 2);
		put_arp(writer);
	} else if (kind < 88) {
		put(writer, 0x8847, 2);
		put_mpls(writer);
	} else if (kind < 92) {
		put(writer, dp_corpus_below(corpus, 1501), 2);
		put(writer, PICK(corpus, lengths_or_saps), 2);
		put(writer, 0x03000000, 4);
		put(writer, PICK(corpus, other_types), 2);
	} else if (kind < 95) {
		put(writer, 0x8864, 2);
		put(writer, 0x110000000000 | dp_corpus_below(corpus, 65536), 6);
		put(writer, chance(corpus, 50) ? 0x0021 : 0x0057, 2);
		put_ipv4(writer);
	} else {
		put(writer, PICK(corpus, other_types), 2);
	}
}

/*
 * Frames of the shapes that there are tables for, and of their neighbours: a bit of the ether type, the header's
 * length, the fragment offset, the protocol; and as long as the tables ask for, give or take a byte.
 */
static uint32_t
plain_frame(struct dp_corpus *corpus, uint8_t *frame)
{
	static const uint8_t of_ipv4[] = {17, 17, 17, 6, 6, 6, 1, 47, 132};
	static const uint8_t of_ipv6[] = {17, 17, 17, 6, 6, 6, 58, 58, 89};
	struct writer writer = {.corpus = corpus, .frame = frame};
	bool tagged = chance(corpus, 35);
	bool v6 = chance(corpus, 35);
	uint8_t protocol = v6 ? PICK(corpus, of_ipv6) : PICK(corpus, of_ipv4);
	put(&writer, PICK(corpus, destinations), 6);
	put(&writer, PICK(corpus, destinations), 6);
	if (tagged)
		put(&writer, 0x81000000 | dp_corpus_below(corpus, 65536), 4);
	uint32_t type = writer.length;
	put(&writer, v6 ? 0x86dd6000 : 0x08004500, 4);
	put_random(&writer, 4);
	if (v6) {
		put(&writer, protocol << 8 | 64, 2);
		put_address6(&writer);
		put_address6(&writer);
	} else {
		put(&writer, chance(corpus, 50) ? 0x4000 : 0, 2);
		put(&writer, 64 << 8 | protocol, 2);
		put_random(&writer, 2);
		put(&writer, some_address4(corpus), 4);
		put(&writer, some_address4(corpus), 4);
	}
	uint32_t transport = writer.length;
	put_transport(&writer, protocol);
	put_random(&writer, 40);
	if (chance(corpus, 15))
		frame[type + dp_corpus_below(corpus, 12)] ^= (uint8_t)(1u << dp_corpus_below(corpus, 8));
	if (chance(corpus, 30))
		return transport + 2 + dp_corpus_below(corpus, 4);
	return chance(corpus, 30) ? 57 + dp_corpus_below(corpus, 8) : writer.length;
}

uint32_t
dp_corpus_frame(struct dp_corpus *corpus, uint8_t *frame)
{
	struct writer writer = {.corpus = corpus, .frame = frame};
	if (chance(corpus, 35))
		return plain_frame(corpus, frame);
	if (chance(corpus, 4)) {
		put_random(&writer, 14 + dp_corpus_below(corpus, 100));
		return writer.length;
	}
	put(&writer, chance(corpus, 80) ? PICK(corpus, destinations) : dp_corpus_random(corpus), 6);
	put(&writer, PICK(corpus, destinations), 6);
	uint32_t tags = chance(corpus, 55)   ? 0
			: chance(corpus, 95) ? 1 + dp_corpus_below(corpus, 3)
					     : 4 + dp_corpus_below(corpus, 8);
	for (uint32_t i = 0; i < tags; i++) {
		put(&writer, PICK(corpus, tag_types), 2);
		put(&writer, chance(corpus, 50) ? 100 + i : dp_corpus_below(corpus, 65536), 2);
	}
	put_network(&writer);
	put_random(&writer, chance(corpus, 90) ? dp_corpus_below(corpus, 120) : dp_corpus_below(corpus, 1500));
	if (chance(corpus, 1))
		put_random(&writer, DP_CORPUS_MAX_BYTES);
	while (writer.length < 60 && chance(corpus, 97))
		put(&writer, 0, 1);
	return writer.length;
}

uint32_t
dp_corpus_mutate(struct dp_corpus *corpus, uint8_t *frame, uint32_t length, uint32_t least)
{
	struct writer writer = {.corpus = corpus, .frame = frame, .length = length};
	uint32_t most = length < 100 ? length : 100;
	switch (dp_corpus_below(corpus, 5)) {
	case 0: /* cut anywhere */
		length = dp_corpus_below(corpus, length + 1);
		break;
	case 1: /* cut among the headers */
		length = dp_corpus_below(corpus, most + 1);
		break;
	case 2: /* longer than it says */
		put_random(&writer, dp_corpus_below(corpus, 64));
		length = writer.length;
		break;
	case 3: /* around the sizes that the fast program asks for */
		length = 38 + dp_corpus_below(corpus, 28);
		while (writer.length < length)
			put(&writer, dp_corpus_random(corpus), 1);
		break;
	default: /* garbled headers */
		for (uint32_t i = 0; i < 3 && most > 0; i++)
			frame[dp_corpus_below(corpus, most)] ^= (uint8_t)(1u << dp_corpus_below(corpus, 8));
	}
	while (length < least)
		frame[length++] = 0;
	return length;
}
