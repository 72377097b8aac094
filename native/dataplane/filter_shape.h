/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of ordinary frames: where every header is, and which, is known from a few bytes. IPv4 without options that is
 * no later fragment, or IPv6 without extension headers, untagged or behind one 802.1Q tag, by transport protocol. Under
 * what a shape says, little is left of a rule list; filter_tables.h makes that little into tables.
 */
#ifndef DP_FILTER_SHAPE_H
#define DP_FILTER_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_byteorder.h>

#include "filter_facts.h"

enum dp_filter_transport {
	DP_TRANSPORT_UDP,
	DP_TRANSPORT_TCP,
	DP_TRANSPORT_ICMP, /* of the IP version in question */
	DP_TRANSPORT_OTHER,
	DP_TRANSPORTS,
};

/* A shape's number is its network times DP_TRANSPORTS plus its transport. */
enum dp_filter_network {
	DP_NETWORK_IPV4,
	DP_NETWORK_IPV6,
	DP_NETWORK_TAGGED_IPV4,
	DP_NETWORK_TAGGED_IPV6,
	DP_NETWORKS
};

#define DP_SHAPES (DP_NETWORKS * DP_TRANSPORTS)
#define DP_SHAPE_NONE DP_SHAPES

/* Bytes that must be in the first segment before anything of the frame is looked at. */
#define DP_SHAPE_WINDOW 42

/* What frames of a shape have in common: `test` is answered by `holds`. */
struct dp_filter_premise {
	struct dp_test test;
	bool holds;
};

#define DP_SHAPE_MAX_PREMISES 20

/* "ipv4 udp", "vlan ipv6 icmp" */
const char *dp_filter_shape_name(unsigned shape);
unsigned dp_filter_shape_premises(struct dp_expr_table *exprs, unsigned shape, struct dp_filter_premise *premises);
/* Bytes up to the end of the ports: what no frame of this shape with ports is without. */
uint16_t dp_filter_shape_least(unsigned shape);
/* The shape that the protocol or next header makes of the network, or DP_SHAPE_NONE. */
uint8_t dp_filter_shape_of_protocol(enum dp_filter_network network, uint8_t protocol);

/* Two frames are of one shape when they agree on these bits, and one is of that shape. By network. */
#define DP_SHAPE_BYTES_AT 12
extern const uint8_t dp_shape_masks[DP_NETWORKS][16];

static inline uint16_t
dp_shape_load16(const uint8_t *bytes)
{
	uint16_t value;
	__builtin_memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint32_t
dp_shape_load32(const uint8_t *bytes)
{
	uint32_t value;
	__builtin_memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Ether type, version and header length; or ether type alone. */
#define DP_SHAPE_IS_IPV4(at) ((dp_shape_load32(at) & RTE_BE32(0xffffff00)) == RTE_BE32(0x08004500))
#define DP_SHAPE_IS_IPV6(at) (dp_shape_load16(at) == RTE_BE16(0x86dd))

/* `by_protocol` is indexed by network, then protocol. `type` is where the ether type is; 12 bytes behind it are there.
 */
static inline uint8_t
dp_shape_behind(const uint8_t (*by_protocol)[256], const uint8_t *type, bool tagged)
{
	unsigned network = tagged ? DP_NETWORK_TAGGED_IPV4 : DP_NETWORK_IPV4;
	bool first_fragment = (dp_shape_load16(type + 8) & RTE_BE16(0x1fff)) == 0;
	if (DP_SHAPE_IS_IPV4(type))
		return first_fragment ? by_protocol[network + DP_NETWORK_IPV4][type[11]] : DP_SHAPE_NONE;
	return DP_SHAPE_IS_IPV6(type) ? by_protocol[network + DP_NETWORK_IPV6][type[8]] : DP_SHAPE_NONE;
}

/* The first DP_SHAPE_WINDOW bytes of the frame are at `frame`. */
static inline uint8_t
dp_shape_of(const uint8_t (*by_protocol)[256], const uint8_t *frame)
{
	if (__builtin_expect(dp_shape_load16(frame + 12) != RTE_BE16(0x8100), 1))
		return dp_shape_behind(by_protocol, frame + 12, false);
	return dp_shape_behind(by_protocol, frame + 16, true);
}

#endif
