/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_oracle.h"

#include <string.h>

#include "frame_bytes.h"

#define TCP 6

/* The Internet checksum without its complement. */
static uint32_t
add_bytes(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

static bool
same_but(const uint8_t *a, const uint8_t *b, uint32_t length, uint32_t from, uint32_t to)
{
	return memcmp(a, b, from) == 0 && memcmp(a + to, b + to, length - to) == 0;
}

bool
oracle_is_swapped(const uint8_t *frame, const uint8_t *swapped, uint32_t length, const uint8_t own_mac[6])
{
	const uint8_t *source = frame[0] & 1 ? own_mac : frame;
	return memcmp(swapped, frame + 6, 6) == 0 && memcmp(swapped + 6, source, 6) == 0 &&
	       memcmp(swapped + 12, frame + 12, length - 12) == 0;
}

static uint32_t
behind_tags(const uint8_t *frame)
{
	uint32_t at = 12;
	for (int tags = 0; tags < 2 && (get(frame + at, 2) == 0x8100 || get(frame + at, 2) == 0x88a8); tags++)
		at += 4;
	return at + 2;
}

static bool
is_arp_reply(const uint8_t *asked, const uint8_t *said, const uint8_t own_mac[6])
{
	return get(asked + 6, 2) == 1 && get(said + 6, 2) == 2 && memcmp(asked, said, 6) == 0 &&
	       memcmp(said + 8, own_mac, 6) == 0 && memcmp(said + 14, asked + 24, 4) == 0 &&
	       memcmp(said + 18, asked + 8, 10) == 0;
}

/* The sums need only be as right, or as wrong, as they were: the type and what the checksum makes of it cancel out. */
static bool
is_echo_reply(const uint8_t *asked, const uint8_t *said, uint32_t length)
{
	uint32_t header = (asked[0] & 0xfu) * 4;
	bool group = asked[16] >> 4 == 14;
	const uint8_t *was = asked + header, *is = said + header;
	bool sums = add_bytes(0, was, 4) % 0xffff == add_bytes(0, is, 4) % 0xffff;
	bool addresses = memcmp(said + 16, asked + 12, 4) == 0 && (group || memcmp(said + 12, asked + 16, 4) == 0);
	bool ip = group ? add_bytes(0, said, header) == 0xffff : get(said + 10, 2) == get(asked + 10, 2);
	return was[0] == 8 && is[0] == 0 && sums && addresses && ip &&
	       memcmp(was + 4, is + 4, length - header - 4) == 0;
}

bool
oracle_is_reply(const uint8_t *frame, const uint8_t *reply, uint32_t length, const uint8_t own_mac[6])
{
	uint32_t at = behind_tags(frame);
	if (memcmp(frame + 12, reply + 12, at - 12) != 0)
		return false;
	if (get(frame + at - 2, 2) == 0x0806)
		return memcmp(reply, frame + 6, 6) == 0 && memcmp(reply + 6, own_mac, 6) == 0 &&
		       is_arp_reply(frame + at, reply + at, own_mac);
	return memcmp(reply, frame + 6, 6) == 0 && is_echo_reply(frame + at, reply + at, length - at);
}

unsigned
oracle_strippable_tags(const uint8_t *frame, uint32_t length, uint16_t tci[2])
{
	if (length < 18)
		return 0;
	tci[0] = (uint16_t)get(frame + 14, 2);
	if (get(frame + 12, 2) == 0x8100)
		return 1;
	if (get(frame + 12, 2) != 0x88a8 || length < 22 || get(frame + 16, 2) != 0x8100)
		return 0;
	tci[1] = (uint16_t)get(frame + 18, 2);
	return 2;
}

/*
 * What lies in the field before counts too. The sum of all that the checksum is about, the field included, was P + rest
 * and the complement of that is now in the field: so the new sum and P are each other's complement.
 */
bool
oracle_is_completed(const uint8_t *frame, const uint8_t *completed, uint32_t length, const struct dp_offload *offload)
{
	uint32_t start = offload->checksum_start, field = start + offload->checksum_offset;
	if (field % 2 != start % 2 || field + 2 > length || !same_but(frame, completed, length, field, field + 2) ||
	    get(completed + field, 2) == 0)
		return false;
	return (add_bytes(0, completed + start, length - start) + get(frame + field, 2)) % 0xffff == 0;
}

uint32_t
oracle_ip_end(const uint8_t *frame, const struct dp_headers *h)
{
	const uint8_t *ip = frame + h->l3_offset;
	return h->l3_offset + (h->ipv6 ? 40 + get(ip + 4, 2) : get(ip + 2, 2));
}

static uint32_t
l4_sum(const uint8_t *frame, const struct dp_headers *h, uint32_t l4_length)
{
	const uint8_t *ip = frame + h->l3_offset;
	const uint8_t tail[4] = {0, h->protocol, (uint8_t)(l4_length >> 8), (uint8_t)l4_length};
	uint32_t sum = h->ipv6 ? add_bytes(0, ip + 8, 32) : add_bytes(0, ip + 12, 8);
	return add_bytes(add_bytes(sum, tail, sizeof(tail)), frame + h->l4_offset, l4_length);
}

bool
oracle_l4_checksum_is_right(const uint8_t *frame, uint32_t length, const struct dp_headers *h)
{
	uint32_t end = oracle_ip_end(frame, h);
	return end >= h->payload_offset && end <= length && l4_sum(frame, h, end - h->l4_offset) == 0xffff;
}

static bool
ip_header_is_right(const uint8_t *piece, uint32_t length, const struct dp_headers *h)
{
	const uint8_t *ip = piece + h->l3_offset;
	return oracle_ip_end(piece, h) == length &&
	       (h->ipv6 || add_bytes(0, ip, h->l4_offset - h->l3_offset) == 0xffff);
}

/* Everything that a piece repeats from the frame: not the lengths, checksums, IP's identification, sequence and flags.
 */
static bool
repeats_headers(const uint8_t *frame, const uint8_t *piece, const struct dp_headers *h)
{
	const uint8_t *a = frame + h->l3_offset, *b = piece + h->l3_offset;
	uint32_t l3_length = h->l4_offset - h->l3_offset;
	bool ip = h->ipv6 ? same_but(a, b, l3_length, 4, 6)
			  : memcmp(a, b, 2) == 0 && memcmp(a + 6, b + 6, 4) == 0 &&
				    memcmp(a + 12, b + 12, l3_length - 12) == 0;
	const uint8_t *t = frame + h->l4_offset, *u = piece + h->l4_offset;
	uint32_t l4_length = h->payload_offset - h->l4_offset;
	return memcmp(frame, piece, h->l3_offset) == 0 && ip && memcmp(t, u, 4) == 0 && memcmp(t + 8, u + 8, 5) == 0 &&
	       memcmp(t + 14, u + 14, 2) == 0 && memcmp(t + 18, u + 18, l4_length - 18) == 0;
}

/* FIN and PSH are about the end of the data, CWR about its beginning. */
static uint8_t
flags_of(const uint8_t *tcp, bool first, bool last)
{
	return tcp[13] & (last ? 0xff : 0xf6) & (first ? 0xff : 0x7f);
}

bool
oracle_is_piece(const struct dp_segmenter *of, const uint8_t *piece, uint32_t length, unsigned index, uint32_t *offset)
{
	const struct dp_headers *h = &of->headers;
	const uint8_t *tcp = of->frame + h->l4_offset, *cut = piece + h->l4_offset;
	if (length < h->payload_offset)
		return false;
	uint32_t part = length - h->payload_offset, at = h->payload_offset + *offset;
	bool last = at + part == of->length;
	bool id = h->ipv6 ||
		  get(piece + h->l3_offset + 4, 2) == ((get(of->frame + h->l3_offset + 4, 2) + index) & 0xffff);
	bool right = at + part <= of->length && part <= of->segment_bytes && (last || part == of->segment_bytes) &&
		     id && ip_header_is_right(piece, length, h) && l4_sum(piece, h, length - h->l4_offset) == 0xffff &&
		     repeats_headers(of->frame, piece, h) && get(cut + 4, 4) == get(tcp + 4, 4) + *offset &&
		     cut[13] == flags_of(tcp, index == 0, last) &&
		     memcmp(piece + h->payload_offset, of->frame + at, part) == 0;
	*offset += part;
	return right;
}

bool
oracle_is_partial(const uint8_t *frame, const uint8_t *partial, uint32_t length, const struct dp_headers *h)
{
	if (h == NULL)
		return memcmp(frame, partial, length) == 0;
	uint32_t field = h->l4_offset + (h->protocol == TCP ? 16 : 6);
	return same_but(frame, partial, length, field, field + 2);
}
