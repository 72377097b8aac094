/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums and segmentation against a second, byte-wise reading of the RFCs; then mutated frames, each in memory of
 * exactly its length, for ASan.
 */
#include "frame_bytes.h"
#include "offload.h"

#include <stdlib.h>
#include <string.h>

#include "checks.h"

#define N_SEGMENTED 4000
#define N_MUTATED 40000
#define TCP 6
#define UDP 17

struct frame {
	uint8_t *data;
	uint32_t length;
	uint32_t l3, l4, payload;
	bool ipv6;
	uint8_t protocol;
};

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
pseudo_sum(const struct frame *f, uint32_t l4_length)
{
	uint32_t sum = f->ipv6 ? add_bytes(0, f->data + f->l3 + 8, 32) : add_bytes(0, f->data + f->l3 + 12, 8);
	uint8_t tail[4] = {0, f->protocol, (uint8_t)(l4_length >> 8), (uint8_t)l4_length};
	return add_bytes(sum, tail, 4);
}

static bool
l4_checksum_is_right(const struct frame *f)
{
	uint32_t l4_length = f->length - f->l4;
	return add_bytes(pseudo_sum(f, l4_length), f->data + f->l4, l4_length) == 0xffff;
}

static bool
ip_header_is_right(const struct frame *f)
{
	const uint8_t *ip = f->data + f->l3;
	if (f->ipv6)
		return get(ip + 4, 2) == f->length - f->l3 - 40;
	return get(ip + 2, 2) == f->length - f->l3 && add_bytes(0, ip, f->l4 - f->l3) == 0xffff;
}

static uint32_t
between(uint64_t *random, uint32_t low, uint32_t high)
{
	return low + next_random(random) % (high - low + 1);
}

/* A frame as the kernel would send it: random tags, options, extension headers and payload. */
static struct frame
make_frame(uint64_t *random, uint8_t protocol, uint32_t payload)
{
	struct frame f = {.ipv6 = between(random, 0, 1), .protocol = protocol};
	uint32_t tags = between(random, 0, 2), extensions = f.ipv6 ? between(random, 0, 2) : 0;
	uint32_t ip_options = f.ipv6 ? 0 : between(random, 0, 3) * 4;
	uint32_t l4_header = protocol == TCP ? 20 + between(random, 0, 10) * 4 : 8;
	f.l3 = 14 + 4 * tags;
	f.l4 = f.l3 + (f.ipv6 ? 40 + 8 * extensions : 20 + ip_options);
	f.payload = f.l4 + l4_header;
	f.length = f.payload + payload;
	f.data = malloc(f.length);
	for (uint32_t i = 0; i < f.length; i++)
		f.data[i] = (uint8_t)next_random(random);
	for (uint32_t t = 0; t < tags; t++)
		put(f.data + 12 + 4 * t, t == 0 && tags == 2 ? 0x88a8 : 0x8100, 2);
	put(f.data + f.l3 - 2, f.ipv6 ? 0x86dd : 0x0800, 2);
	uint8_t *ip = f.data + f.l3;
	if (f.ipv6) {
		ip[0] = 0x60 | (ip[0] & 0xf);
		ip[6] = extensions > 0 ? 0 : protocol;
		put(ip + 4, f.length - f.l3 - 40, 2);
		for (uint32_t e = 0; e < extensions; e++) {
			ip[40 + 8 * e] = e + 1 == extensions ? protocol : 60;
			ip[41 + 8 * e] = 0;
		}
	} else {
		ip[0] = (uint8_t)(0x40 | (5 + ip_options / 4));
		put(ip + 2, f.length - f.l3, 2);
		put(ip + 6, 0x4000, 2);
		ip[9] = protocol;
		put(ip + 10, 0, 2);
		put(ip + 10, ~add_bytes(0, ip, 20 + ip_options) & 0xffff, 2);
	}
	if (protocol == TCP)
		f.data[f.l4 + 12] = (uint8_t)(l4_header / 4 << 4);
	else
		put(f.data + f.l4 + 4, f.length - f.l4, 2);
	return f;
}

static uint32_t
checksum_field(const struct frame *f)
{
	return f->l4 + (f->protocol == TCP ? 16 : 6);
}

/* What the kernel leaves in the field of a packet with a partial checksum. */
static void
leave_partial_checksum(struct frame *f)
{
	put(f->data + checksum_field(f), pseudo_sum(f, f->length - f->l4), 2);
}

static void
test_partial_checksums(void)
{
	uint64_t random = 1;
	unsigned right = 0, total = 2000;
	for (unsigned i = 0; i < total; i++) {
		struct frame f = make_frame(&random, i % 2 ? TCP : UDP, between(&random, 0, 1500));
		leave_partial_checksum(&f);
		right +=
			dp_checksum_complete(f.data, f.length, (uint16_t)f.l4, (uint16_t)(checksum_field(&f) - f.l4)) &&
			l4_checksum_is_right(&f) && get(f.data + checksum_field(&f), 2) != 0;
		free(f.data);
	}
	check(right == total, "%u of %u partial checksums come out right and never as 0", right, total);
}

static bool
segment_is_right(const struct frame *whole, const struct frame *s, uint32_t index, uint32_t offset, bool last)
{
	const uint8_t *from = whole->data + whole->l4, *tcp = s->data + s->l4;
	uint8_t flags = from[13];
	if (!last)
		flags &= (uint8_t)~0x09;
	if (index > 0)
		flags &= (uint8_t)~0x80;
	bool id_right =
		whole->ipv6 || get(s->data + s->l3 + 4, 2) == ((get(whole->data + whole->l3 + 4, 2) + index) & 0xffff);
	return ip_header_is_right(s) && l4_checksum_is_right(s) && id_right && tcp[13] == flags &&
	       get(tcp + 4, 4) == get(from + 4, 4) + offset && memcmp(s->data, whole->data, whole->l3) == 0 &&
	       memcmp(s->data + s->payload, whole->data + whole->payload + offset, s->length - s->payload) == 0;
}

/* Cuts one frame and compares every segment; true when they are right and together are the whole payload. */
static bool
cuts_right(const struct frame *whole, uint32_t segment_bytes)
{
	struct dp_offload offload = {.gso = whole->ipv6 ? DP_GSO_TCP6 : DP_GSO_TCP4,
				     .segment_bytes = (uint16_t)segment_bytes};
	struct dp_segmenter cutter;
	uint32_t payload = whole->length - whole->payload, expected = (payload + segment_bytes - 1) / segment_bytes;
	if (!dp_segmenter_init(&cutter, whole->data, whole->length, &offload))
		return expected > DP_SEGMENTS_MAX;
	bool right = true;
	uint32_t longest = dp_segmenter_longest(&cutter), index = 0, offset = 0, length;
	for (;; index++) {
		uint8_t *out = malloc(longest);
		length = dp_segmenter_next(&cutter, out);
		struct frame s = *whole;
		s.data = out;
		s.length = length;
		if (length > 0) {
			uint32_t part = length - whole->payload;
			right &= part <= segment_bytes &&
				 segment_is_right(whole, &s, index, offset, offset + part == payload);
			offset += part;
		}
		free(out);
		if (length == 0)
			break;
	}
	return right && offset == payload && index == (expected == 0 ? 1 : expected);
}

static void
test_segmentation(void)
{
	uint64_t random = 2;
	unsigned right = 0, total = N_SEGMENTED;
	for (unsigned i = 0; i < N_SEGMENTED; i++) {
		struct frame f = make_frame(&random, TCP, between(&random, 0, i % 10 == 0 ? 65000 : 6000));
		right += cuts_right(&f, between(&random, 88, 9000));
		free(f.data);
	}
	for (uint32_t mss = 48; mss <= 100; mss += 4, total++) {
		struct frame f = make_frame(&random, TCP, 65000);
		struct dp_offload offload = {.gso = f.ipv6 ? DP_GSO_TCP6 : DP_GSO_TCP4, .segment_bytes = (uint16_t)mss};
		struct dp_segmenter cutter;
		right += dp_segmenter_init(&cutter, f.data, f.length, &offload) && cuts_right(&f, mss);
		free(f.data);
	}
	check(right == total, "%u of %u TCP frames are cut into right segments, down to an MSS of 48", right, total);
}

static void
test_refusals(void)
{
	uint64_t random = 3;
	struct dp_segmenter cutter;
	struct frame udp = make_frame(&random, UDP, 4000), tcp = make_frame(&random, TCP, 4000);
	struct dp_offload offload = {.gso = udp.ipv6 ? DP_GSO_TCP6 : DP_GSO_TCP4, .segment_bytes = 1000};
	check(!dp_segmenter_init(&cutter, udp.data, udp.length, &offload), "refuses to cut UDP as TCP");
	offload.gso = tcp.ipv6 ? DP_GSO_TCP4 : DP_GSO_TCP6;
	check(!dp_segmenter_init(&cutter, tcp.data, tcp.length, &offload), "refuses the other IP version");
	offload = (struct dp_offload){.gso = tcp.ipv6 ? DP_GSO_TCP6 : DP_GSO_TCP4, .segment_bytes = 0};
	check(!dp_segmenter_init(&cutter, tcp.data, tcp.length, &offload), "refuses segments of no bytes");
	offload.segment_bytes = 1;
	check(!dp_segmenter_init(&cutter, tcp.data, tcp.length, &offload), "refuses more than %d segments",
	      DP_SEGMENTS_MAX);
	check(!dp_checksum_complete(tcp.data, tcp.length, 13, 2),
	      "refuses a checksum that starts in the Ethernet header");
	check(!dp_checksum_complete(tcp.data, tcp.length, (uint16_t)tcp.l4, (uint16_t)(tcp.length - tcp.l4 - 1)),
	      "refuses a checksum field that ends beyond the frame");
	free(udp.data);
	free(tcp.data);
}

/* As a kernel would complete it: from the pseudo header's sum back to the checksum that was there. */
static bool
comes_back(const struct frame *f, uint32_t padding)
{
	uint32_t length = f->length + padding;
	uint8_t *copy = calloc(1, length);
	memcpy(copy, f->data, f->length);
	struct dp_headers headers;
	bool good = dp_checksum_make_partial(copy, length, length, &headers) && headers.l4_offset == f->l4 &&
		    get(copy + checksum_field(f), 2) == pseudo_sum(f, f->length - f->l4) &&
		    dp_checksum_complete(copy, f->length, (uint16_t)f->l4, (uint16_t)(checksum_field(f) - f->l4)) &&
		    memcmp(copy, f->data, f->length) == 0;
	free(copy);
	return good;
}

static void
test_verified(void)
{
	uint64_t random = 5;
	unsigned right = 0, total = 2000, others = 0;
	for (unsigned i = 0; i < total; i++) {
		struct frame f = make_frame(&random, i % 2 ? TCP : UDP, between(&random, 1, 1500));
		bool plain = !f.ipv6 || f.l4 == f.l3 + 40;
		struct dp_headers headers;
		leave_partial_checksum(&f);
		dp_checksum_complete(f.data, f.length, (uint16_t)f.l4, (uint16_t)(checksum_field(&f) - f.l4));
		if (plain)
			right += comes_back(&f, between(&random, 0, 20));
		else
			right += !dp_checksum_make_partial(f.data, f.length, f.length, &headers);
		others += !plain;
		free(f.data);
	}
	check(right == total && others > 100, "%u of %u verified packets get a partial checksum, or (%u) stay", right,
	      total, others);
	struct frame udp = make_frame(&random, UDP, 100), tcp = make_frame(&random, TCP, 100);
	while (tcp.ipv6) {
		free(tcp.data);
		tcp = make_frame(&random, TCP, 100);
	}
	struct dp_headers headers;
	put(udp.data + checksum_field(&udp), 0, 2);
	check(!dp_checksum_make_partial(udp.data, udp.length, udp.length, &headers), "UDP without checksum stays so");
	check(!dp_checksum_make_partial(tcp.data, tcp.length, tcp.length - 1, &headers), "a cut packet stays");
	put(tcp.data + tcp.l3 + 6, 0x2000, 2);
	check(!dp_checksum_make_partial(tcp.data, tcp.length, tcp.length, &headers), "a first fragment stays");
	free(udp.data);
	free(tcp.data);
}

/* Flips bytes of the headers and cuts the end off. */
static struct frame
mutate(uint64_t *random, struct frame f)
{
	struct frame m = f;
	m.length = between(random, 0, f.length);
	m.data = malloc(m.length == 0 ? 1 : m.length);
	memcpy(m.data, f.data, m.length);
	uint32_t reach = m.length < f.payload ? m.length : f.payload;
	for (uint32_t flips = between(random, 0, 4); flips > 0 && reach > 12; flips--)
		m.data[between(random, 12, reach - 1)] = (uint8_t)next_random(random);
	return m;
}

static void
test_mutations(void)
{
	uint64_t random = 4;
	unsigned cut = 0, refused = 0;
	for (unsigned i = 0; i < N_MUTATED; i++) {
		struct frame f = make_frame(&random, i % 3 ? TCP : UDP, between(&random, 0, 3000));
		struct frame m = mutate(&random, f);
		struct dp_offload offload = {.gso = f.ipv6 ? DP_GSO_TCP6 : DP_GSO_TCP4,
					     .segment_bytes = (uint16_t)between(&random, 0, 2000)};
		struct dp_segmenter cutter;
		if (dp_segmenter_init(&cutter, m.data, m.length, &offload)) {
			uint8_t *out = malloc(dp_segmenter_longest(&cutter));
			while (dp_segmenter_next(&cutter, out) > 0)
				;
			free(out);
			cut++;
		} else {
			refused++;
		}
		dp_checksum_complete(m.data, m.length, (uint16_t)next_random(&random), (uint16_t)next_random(&random));
		dp_checksum_complete(m.data, m.length, (uint16_t)between(&random, 0, 100),
				     (uint16_t)between(&random, 0, 20));
		free(m.data);
		free(f.data);
	}
	check(cut > 1000 && refused > 1000, "%u mutated frames: %u cut, %u refused, none read beyond its end",
	      N_MUTATED, cut, refused);
}

int
main(void)
{
	test_partial_checksums();
	test_segmentation();
	test_refusals();
	test_verified();
	test_mutations();
	return checks_exit_code();
}
