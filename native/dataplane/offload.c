/* SPDX-License-Identifier: Apache-2.0 */
#include "offload.h"

#include <netinet/in.h>
#include <string.h>

#include "ether_type.h"
#include "inet_checksum.h"
#include "network_order.h"

#define ETHER_HEADER 14
#define IPV6_HEADER 40

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80

static uint16_t
complement(uint64_t sum)
{
	return (uint16_t)~dp_sum_fold(sum);
}

/* Next-header values whose header has its length in its second byte, in units of 8 bytes beyond the first 8. */
static bool
is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS;
}

static bool
parse_ipv6(const uint8_t *frame, uint32_t length, struct dp_headers *h)
{
	uint32_t at = h->l3_offset;
	if (length < at + IPV6_HEADER || frame[at] >> 4 != 6)
		return false;
	h->protocol = frame[at + 6];
	at += IPV6_HEADER;
	while (is_extension(h->protocol)) {
		if (length < at + 8)
			return false;
		h->protocol = frame[at];
		at += 8 + frame[at + 1] * 8u;
		if (at > length)
			return false;
	}
	h->l4_offset = at;
	return true;
}

static bool
parse_ipv4(const uint8_t *frame, uint32_t length, struct dp_headers *h)
{
	uint32_t at = h->l3_offset;
	if (length < at + 20 || frame[at] >> 4 != 4)
		return false;
	uint32_t header = (frame[at] & 0xfu) * 4;
	/* Of a fragment, the first one included, the checksum is about more than is here. */
	if (header < 20 || length < at + header || (dp_get16(frame + at + 6) & 0x3fff) != 0)
		return false;
	h->protocol = frame[at + 9];
	h->l4_offset = at + header;
	return true;
}

bool
dp_headers_parse(const uint8_t *frame, uint32_t length, struct dp_headers *h)
{
	if (length > DP_FRAME_MAX || !dp_find_ip(frame, length, &h->l3_offset, &h->ipv6))
		return false;
	if (!(h->ipv6 ? parse_ipv6(frame, length, h) : parse_ipv4(frame, length, h)))
		return false;
	uint32_t header;
	if (h->protocol == IPPROTO_TCP) {
		if (length < h->l4_offset + 20)
			return false;
		header = (frame[h->l4_offset + 12] >> 4) * 4u;
		if (header < 20)
			return false;
	} else if (h->protocol == IPPROTO_UDP) {
		header = 8;
	} else {
		return false;
	}
	if (length < h->l4_offset + header)
		return false;
	h->payload_offset = h->l4_offset + header;
	return true;
}

bool
dp_checksum_complete(uint8_t *frame, uint32_t length, uint16_t start, uint16_t offset)
{
	uint32_t field = (uint32_t)start + offset;
	if (start < ETHER_HEADER || start >= length || field + 2 > length || offset % 2 != 0)
		return false;
	uint16_t checksum = complement(dp_sum_bytes(frame + start, length - start, 0));
	/* UDP: a sum of zero says "no checksum", so it is sent as its other form; TCP does not mind. */
	dp_store_checksum(frame + field, checksum == 0 ? 0xffff : checksum);
	return true;
}

static uint64_t
pseudo_header_sum(const uint8_t *ip, bool ipv6, uint8_t protocol, uint32_t l4_length)
{
	uint8_t tail[8] = {0};
	dp_put32(tail, l4_length);
	tail[7] = protocol;
	uint64_t sum = dp_sum_bytes(tail, sizeof(tail), 0);
	return ipv6 ? dp_sum_bytes(ip + 8, 32, sum) : dp_sum_bytes(ip + 12, 8, sum);
}

/* Of what IP says that it carries; Ethernet may have padded the frame. 0 when that is not all here. */
static uint32_t
l4_length_of(const uint8_t *frame, uint32_t length, const struct dp_headers *h)
{
	const uint8_t *ip = frame + h->l3_offset;
	uint32_t end = h->l3_offset + (h->ipv6 ? IPV6_HEADER + dp_get16(ip + 4) : dp_get16(ip + 2));
	return end <= length && end >= h->payload_offset ? end - h->l4_offset : 0;
}

/* With a routing header the pseudo header is about another destination than the one that is read here. */
static bool
has_extension(const struct dp_headers *h)
{
	return h->ipv6 && h->l4_offset != h->l3_offset + IPV6_HEADER;
}

bool
dp_checksum_make_partial(uint8_t *frame, uint32_t readable, uint32_t length, struct dp_headers *h)
{
	if (!dp_headers_parse(frame, readable, h) || has_extension(h))
		return false;
	uint8_t *field = frame + h->l4_offset + (h->protocol == IPPROTO_TCP ? 16 : 6);
	uint32_t l4_length = l4_length_of(frame, length, h);
	if (l4_length == 0 || (h->protocol == IPPROTO_UDP && dp_get16(field) == 0))
		return false;
	uint16_t sum = dp_sum_fold(pseudo_header_sum(frame + h->l3_offset, h->ipv6, h->protocol, l4_length));
	dp_store_checksum(field, sum);
	return true;
}

bool
dp_segmenter_init(struct dp_segmenter *s, const uint8_t *frame, uint32_t length, const struct dp_offload *offload)
{
	*s = (struct dp_segmenter){.frame = frame, .length = length, .segment_bytes = offload->segment_bytes};
	if (!dp_headers_parse(frame, length, &s->headers) || s->headers.protocol != IPPROTO_TCP)
		return false;
	if (s->headers.ipv6 != (offload->gso == DP_GSO_TCP6) || offload->segment_bytes == 0)
		return false;
	s->next = s->headers.payload_offset;
	return dp_segmenter_count(s) <= DP_SEGMENTS_MAX;
}

uint32_t
dp_segmenter_count(const struct dp_segmenter *s)
{
	uint32_t payload = s->length - s->headers.payload_offset;
	return payload == 0 ? 1 : (payload + s->segment_bytes - 1) / s->segment_bytes;
}

uint32_t
dp_segmenter_longest(const struct dp_segmenter *s)
{
	uint32_t payload = s->length - s->headers.payload_offset;
	return s->headers.payload_offset + (payload < s->segment_bytes ? payload : s->segment_bytes);
}

static void
finish_ip(const struct dp_segmenter *s, uint8_t *out, uint32_t length)
{
	const struct dp_headers *h = &s->headers;
	uint8_t *ip = out + h->l3_offset;
	if (h->ipv6) {
		dp_put16(ip + 4, (uint16_t)(length - h->l3_offset - IPV6_HEADER));
		return;
	}
	dp_put16(ip + 2, (uint16_t)(length - h->l3_offset));
	dp_put16(ip + 4, (uint16_t)(dp_get16(ip + 4) + s->n));
	dp_put16(ip + 10, 0);
	dp_store_checksum(ip + 10, complement(dp_sum_bytes(ip, h->l4_offset - h->l3_offset, 0)));
}

static void
finish_tcp(const struct dp_segmenter *s, uint8_t *out, uint32_t length, bool last)
{
	const struct dp_headers *h = &s->headers;
	uint8_t *tcp = out + h->l4_offset;
	dp_put32(tcp + 4, dp_get32(tcp + 4) + (s->next - h->payload_offset));
	if (!last)
		tcp[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (s->n > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	dp_put16(tcp + 16, 0);
	uint32_t l4_length = length - h->l4_offset;
	uint64_t sum = pseudo_header_sum(out + h->l3_offset, h->ipv6, IPPROTO_TCP, l4_length);
	dp_store_checksum(tcp + 16, complement(dp_sum_bytes(tcp, l4_length, sum)));
}

uint32_t
dp_segmenter_next(struct dp_segmenter *s, uint8_t *out)
{
	uint32_t headers = s->headers.payload_offset, left = s->length - s->next;
	if (left == 0 && s->n > 0)
		return 0;
	uint32_t payload = left < s->segment_bytes ? left : s->segment_bytes;
	memcpy(out, s->frame, headers);
	memcpy(out + headers, s->frame + s->next, payload);
	finish_ip(s, out, headers + payload);
	finish_tcp(s, out, headers + payload, payload == left);
	s->next += payload;
	s->n++;
	return headers + payload;
}
