/* SPDX-License-Identifier: Apache-2.0 */
#include "gro.h"

#include <netinet/in.h>
#include <string.h>

#include "ether_type.h"
#include "inet_checksum.h"
#include "network_order.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
#define IP_LENGTH_MAX UINT16_MAX

#define IPV4_DONT_FRAGMENT 0x4000

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_URG 0x20
#define TCP_CWR 0x80
/* A segment with one of these is the last of its frame ... */
#define ENDS_FRAME (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_URG)
/* ... and one with another of these than FIN and PSH continues none. */
#define STANDS_ALONE (TCP_SYN | TCP_RST | TCP_URG | TCP_CWR)

/* What a packet is to GRO. */
enum kind {
	KIND_SEGMENT, /* a TCP segment behind plain headers */
	KIND_OPAQUE,  /* may belong to any TCP flow: a fragment, options, extension headers, a header cut short */
	KIND_OTHER,   /* no TCP */
};

struct segment {
	const uint8_t *frame;
	uint32_t l3, l4, payload; /* offsets */
	uint32_t payload_bytes;
	bool ipv6;
	bool padded; /* bytes of Ethernet's follow the packet */
	uint8_t flags;
};

static enum kind
parse_ipv4(const uint8_t *frame, uint32_t length, struct segment *s, uint32_t *ip_length)
{
	const uint8_t *ip = frame + s->l3;
	if (length < s->l3 + IPV4_HEADER || ip[0] >> 4 != 4)
		return KIND_OTHER;
	if (ip[9] != IPPROTO_TCP)
		return KIND_OTHER;
	if (ip[0] != 0x45 || (dp_get16(ip + 6) & ~IPV4_DONT_FRAGMENT) != 0)
		return KIND_OPAQUE;
	if (dp_sum_fold(dp_sum_bytes(ip, IPV4_HEADER, 0)) != 0xffff)
		return KIND_OPAQUE;
	s->l4 = s->l3 + IPV4_HEADER;
	*ip_length = dp_get16(ip + 2);
	return KIND_SEGMENT;
}

static enum kind
parse_ipv6(const uint8_t *frame, uint32_t length, struct segment *s, uint32_t *ip_length)
{
	const uint8_t *ip = frame + s->l3;
	if (length < s->l3 + IPV6_HEADER || ip[0] >> 4 != 6)
		return KIND_OTHER;
	switch (ip[6]) {
	case IPPROTO_TCP:
		break;
	case IPPROTO_UDP:
	case IPPROTO_ICMPV6:
		return KIND_OTHER;
	default:
		return KIND_OPAQUE;
	}
	s->l4 = s->l3 + IPV6_HEADER;
	*ip_length = IPV6_HEADER + dp_get16(ip + 4);
	return KIND_SEGMENT;
}

static enum kind
parse(const struct dp_gro_packet *packet, struct segment *s)
{
	const uint8_t *frame = packet->data;
	uint32_t length = packet->length, ip_length = 0;
	if (frame == NULL)
		return KIND_OPAQUE;
	if (!dp_find_ip(frame, length, &s->l3, &s->ipv6))
		return KIND_OTHER;
	enum kind kind = s->ipv6 ? parse_ipv6(frame, length, s, &ip_length) : parse_ipv4(frame, length, s, &ip_length);
	if (kind != KIND_SEGMENT)
		return kind;
	if (s->l3 + ip_length > length || s->l3 + ip_length < s->l4 + TCP_HEADER)
		return KIND_OPAQUE;
	uint32_t header = (frame[s->l4 + 12] >> 4) * 4u;
	s->payload = s->l4 + header;
	if (header < TCP_HEADER || s->payload > s->l3 + ip_length)
		return KIND_OPAQUE;
	s->frame = frame;
	s->payload_bytes = s->l3 + ip_length - s->payload;
	s->padded = s->l3 + ip_length < length;
	s->flags = frame[s->l4 + 13];
	return KIND_SEGMENT;
}

static uint64_t
pseudo_header_sum(const uint8_t *ip, bool ipv6, uint32_t l4_length)
{
	uint8_t tail[4] = {0, IPPROTO_TCP, (uint8_t)(l4_length >> 8), (uint8_t)l4_length};
	uint64_t sum = dp_sum_bytes(tail, sizeof(tail), 0);
	return ipv6 ? dp_sum_bytes(ip + 8, 32, sum) : dp_sum_bytes(ip + 12, 8, sum);
}

static bool
checksum_is_good(struct dp_gro_packet *packet, const struct segment *s)
{
	if (packet->checksum == DP_GRO_UNVERIFIED) {
		uint32_t l4_length = s->payload + s->payload_bytes - s->l4;
		uint64_t sum = pseudo_header_sum(s->frame + s->l3, s->ipv6, l4_length);
		sum = dp_sum_bytes(s->frame + s->l4, l4_length, sum);
		packet->checksum = dp_sum_fold(sum) == 0xffff ? DP_GRO_GOOD : DP_GRO_BAD;
	}
	return packet->checksum == DP_GRO_GOOD;
}

/* Flows that meet in one bucket are merged less, nothing else. */
static unsigned
bucket_of(const struct segment *s)
{
	const uint8_t *addresses = s->frame + s->l3 + (s->ipv6 ? 8 : 12);
	unsigned words = s->ipv6 ? 8 : 2;
	uint32_t ports;
	uint64_t hash;
	/* The Ethernet types, and with VLANs, which may use the same addresses, their tags. */
	memcpy(&hash, s->frame + s->l3 - sizeof(hash), sizeof(hash));
	memcpy(&ports, s->frame + s->l4, sizeof(ports));
	hash ^= ports;
	for (unsigned i = 0; i < words; i++) {
		uint32_t word;
		memcpy(&word, addresses + 4 * i, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return hash % DP_GRO_BUCKETS;
}

/* memcmp() of these few bytes costs a call each. */
static inline bool
same_bytes(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint64_t difference = 0;
	for (; n >= 8; a += 8, b += 8, n -= 8) {
		uint64_t x, y;
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		difference |= x ^ y;
	}
	for (; n >= 2; a += 2, b += 2, n -= 2) {
		uint16_t x, y;
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		difference |= (uint64_t)(x ^ y);
	}
	return difference == 0 && (n == 0 || *a == *b);
}

/* Whether two packets differ in nothing that both frames of one cut again would have alike. */
static bool
same_headers(const struct segment *a, const struct segment *b)
{
	if (a->l3 != b->l3 || a->ipv6 != b->ipv6 || a->payload != b->payload)
		return false;
	const uint8_t *ip = a->frame + a->l3, *other_ip = b->frame + b->l3;
	const uint8_t *tcp = a->frame + a->l4, *other_tcp = b->frame + b->l4;
	if (!same_bytes(a->frame, b->frame, a->l3))
		return false;
	bool same_ip = a->ipv6 ? same_bytes(ip, other_ip, 4) && same_bytes(ip + 6, other_ip + 6, 34)
			       : same_bytes(ip, other_ip, 2) && same_bytes(ip + 6, other_ip + 6, 4) &&
					 same_bytes(ip + 12, other_ip + 12, 8);
	/* Ports; acknowledgement and header length; window; urgent pointer and options. */
	return same_ip && same_bytes(tcp, other_tcp, 4) && same_bytes(tcp + 8, other_tcp + 8, 5) &&
	       same_bytes(tcp + 14, other_tcp + 14, 2) && same_bytes(tcp + 18, other_tcp + 18, a->payload - a->l4 - 18);
}

/* The IPv4 id: counted up, or, where the packet may not be fragmented, always the same. */
static bool
id_continues(const struct dp_gro_frame *f, const struct segment *first, const struct segment *s, uint8_t *step)
{
	const uint8_t *ip = s->frame + s->l3;
	uint16_t id = dp_get16(ip + 4);
	*step = f->id_step;
	if (id == f->next_id)
		return true;
	*step = 0;
	return f->n == 1 && (dp_get16(ip + 6) & IPV4_DONT_FRAGMENT) != 0 &&
	       id == dp_get16(first->frame + first->l3 + 4);
}

/* Whether `s` is the segment after the last of `f`, whose first is `first`. */
static bool
continues(const struct dp_gro_frame *f, const struct segment *first, const struct segment *s, uint8_t *id_step)
{
	if (s->padded || s->payload_bytes == 0 || s->payload_bytes > f->segment_bytes || (s->flags & STANDS_ALONE) != 0)
		return false;
	if (s->payload - s->l3 + f->payload_bytes + s->payload_bytes > IP_LENGTH_MAX)
		return false;
	if (((first->flags ^ s->flags) & ~(TCP_CWR | TCP_FIN | TCP_PSH)) != 0 || !same_headers(first, s))
		return false;
	if (dp_get32(s->frame + s->l4 + 4) != dp_get32(first->frame + first->l4 + 4) + f->payload_bytes)
		return false;
	return s->ipv6 || id_continues(f, first, s, id_step);
}

/* The first packet's segment again, from what its frame knows. */
static struct segment
first_segment(const struct dp_gro_frame *f, const struct dp_gro_packet *packets)
{
	const uint8_t *data = packets[f->first].data;
	return (struct segment){
		.frame = data,
		.l3 = f->l3_offset,
		.l4 = f->l4_offset,
		.payload = f->payload_offset,
		.payload_bytes = f->segment_bytes,
		.ipv6 = f->ipv6,
		.flags = data[f->l4_offset + 13],
	};
}

static struct dp_gro_frame *
add_frame(struct dp_gro *gro, uint16_t packet)
{
	struct dp_gro_frame *f = &gro->frames[gro->n_frames++];
	*f = (struct dp_gro_frame){.first = packet, .last = packet, .n = 1};
	return f;
}

/* A frame that begins with a segment; stays open when more may follow. */
static void
begin(struct dp_gro *gro, uint16_t packet, const struct segment *s, unsigned bucket)
{
	struct dp_gro_frame *f = add_frame(gro, packet);
	bool open = !s->padded && s->payload_bytes > 0 && (s->flags & ENDS_FRAME) == 0;
	gro->open[bucket] = open ? (uint16_t)gro->n_frames : 0;
	if (!open)
		return;
	f->ipv6 = s->ipv6;
	f->l3_offset = (uint16_t)s->l3;
	f->l4_offset = (uint16_t)s->l4;
	f->payload_offset = (uint16_t)s->payload;
	f->segment_bytes = (uint16_t)s->payload_bytes;
	f->payload_bytes = s->payload_bytes;
	f->congestion = (s->flags & TCP_CWR) != 0;
	f->last_flags = s->flags;
	f->id_step = 1;
	f->next_id = s->ipv6 ? 0 : (uint16_t)(dp_get16(s->frame + s->l3 + 4) + 1);
}

static void
append(struct dp_gro *gro, struct dp_gro_frame *f, uint16_t packet, const struct segment *s, uint8_t id_step,
       unsigned bucket)
{
	gro->next[f->last] = packet;
	f->last = packet;
	f->n++;
	f->payload_bytes += s->payload_bytes;
	f->last_flags = s->flags;
	f->id_step = id_step;
	if (!s->ipv6)
		f->next_id = (uint16_t)(dp_get16(s->frame + s->l3 + 4) + id_step);
	if (s->payload_bytes < f->segment_bytes || (s->flags & ENDS_FRAME) != 0)
		gro->open[bucket] = 0;
}

static void
place_segment(struct dp_gro *gro, struct dp_gro_packet *packets, uint16_t packet, const struct segment *s)
{
	unsigned bucket = bucket_of(s);
	uint8_t id_step = 1;
	if (gro->open[bucket] != 0) {
		struct dp_gro_frame *f = &gro->frames[gro->open[bucket] - 1];
		struct segment first = first_segment(f, packets);
		/* A first packet with a bad checksum stays alone, and so does this one when it has. */
		if (continues(f, &first, s, &id_step) && checksum_is_good(&packets[packet], s) &&
		    checksum_is_good(&packets[f->first], &first)) {
			append(gro, f, packet, s, id_step, bucket);
			return;
		}
	}
	begin(gro, packet, s, bucket);
}

static void
prefetch(const struct dp_gro_packet *packet)
{
	for (uint32_t at = 0; packet->data != NULL && at < packet->length; at += 64)
		__builtin_prefetch(packet->data + at);
}

void
dp_gro_burst(struct dp_gro *gro, struct dp_gro_packet *packets, uint16_t n)
{
	gro->n_frames = 0;
	memset(gro->open, 0, sizeof(gro->open));
	for (uint16_t i = 0; i < n; i++) {
		struct segment s;
		if (i + 1 < n)
			prefetch(&packets[i + 1]);
		gro->next[i] = DP_GRO_END;
		switch (parse(&packets[i], &s)) {
		case KIND_SEGMENT:
			place_segment(gro, packets, i, &s);
			break;
		case KIND_OPAQUE:
			memset(gro->open, 0, sizeof(gro->open));
			add_frame(gro, i);
			break;
		case KIND_OTHER:
			add_frame(gro, i);
			break;
		}
	}
}

uint32_t
dp_gro_write_headers(const struct dp_gro_frame *f, const struct dp_gro_packet *packets, uint8_t *out)
{
	memcpy(out, packets[f->first].data, f->payload_offset);
	uint8_t *ip = out + f->l3_offset, *tcp = out + f->l4_offset;
	uint32_t l4_length = f->payload_offset - f->l4_offset + f->payload_bytes;
	if (f->ipv6) {
		dp_put16(ip + 4, l4_length);
	} else {
		dp_put16(ip + 2, IPV4_HEADER + l4_length);
		dp_put16(ip + 10, 0);
		dp_store_checksum(ip + 10, (uint16_t)~dp_sum_fold(dp_sum_bytes(ip, IPV4_HEADER, 0)));
	}
	tcp[13] |= f->last_flags & (TCP_FIN | TCP_PSH);
	dp_store_checksum(tcp + DP_GRO_CHECKSUM_OFFSET, dp_sum_fold(pseudo_header_sum(ip, f->ipv6, l4_length)));
	return f->payload_offset;
}
