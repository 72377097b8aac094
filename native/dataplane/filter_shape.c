/* SPDX-License-Identifier: Apache-2.0 */
#include "filter_shape.h"

enum { ICMP = 1, TCP = 6, UDP = 17, ICMPV6 = 58 };

/* The headers that the vetting program looks closer at (filter_vet.c): they are of no shape. */
static const uint8_t extension_headers[] = {0, 43, 44, 51, 60, 135, 139, 140};

/* Ether types, version and header length, fragment offset, protocol or next header. */
const uint8_t dp_shape_masks[DP_NETWORKS][16] = {
	[DP_NETWORK_IPV4] = {0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0x1f, 0xff, 0, 0xff},
	[DP_NETWORK_IPV6] = {0xff, 0xff, 0, 0, 0, 0, 0, 0, 0xff},
	[DP_NETWORK_TAGGED_IPV4] = {0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0x1f, 0xff, 0, 0xff},
	[DP_NETWORK_TAGGED_IPV6] = {0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0xff},
};

static bool
is_ipv6(unsigned shape)
{
	return (shape / DP_TRANSPORTS) % 2 == DP_NETWORK_IPV6;
}

static bool
is_tagged(unsigned shape)
{
	return shape / DP_TRANSPORTS >= DP_NETWORK_TAGGED_IPV4;
}

const char *
dp_filter_shape_name(unsigned shape)
{
	static const char *const names[DP_SHAPES] = {
		"ipv4 udp",	 "ipv4 tcp",	  "ipv4 icmp",	    "ipv4 other",
		"ipv6 udp",	 "ipv6 tcp",	  "ipv6 icmp",	    "ipv6 other",
		"vlan ipv4 udp", "vlan ipv4 tcp", "vlan ipv4 icmp", "vlan ipv4 other",
		"vlan ipv6 udp", "vlan ipv6 tcp", "vlan ipv6 icmp", "vlan ipv6 other",
	};
	return names[shape];
}

static bool
is_extension_header(uint8_t protocol)
{
	for (unsigned i = 0; i < sizeof(extension_headers); i++)
		if (extension_headers[i] == protocol)
			return true;
	return false;
}

uint8_t
dp_filter_shape_of_protocol(enum dp_filter_network network, uint8_t protocol)
{
	bool v6 = network % 2 == DP_NETWORK_IPV6;
	if (v6 && is_extension_header(protocol))
		return DP_SHAPE_NONE;
	unsigned transport = protocol == UDP			? DP_TRANSPORT_UDP
			     : protocol == TCP			? DP_TRANSPORT_TCP
			     : protocol == (v6 ? ICMPV6 : ICMP) ? DP_TRANSPORT_ICMP
								: DP_TRANSPORT_OTHER;
	return (uint8_t)(network * DP_TRANSPORTS + transport);
}

uint16_t
dp_filter_shape_least(unsigned shape)
{
	uint16_t ports_end = (uint16_t)((is_tagged(shape) ? 18 : 14) + (is_ipv6(shape) ? 40 : 20) + 4);
	return ports_end > DP_SHAPE_WINDOW ? ports_end : DP_SHAPE_WINDOW;
}

struct list {
	struct dp_expr_table *exprs;
	struct dp_filter_premise *premises;
	unsigned n;
};

static void
add_equal(struct list *list, dp_expr_id value, uint32_t k, bool holds)
{
	list->premises[list->n++] =
		(struct dp_filter_premise){.test = {.kind = DP_TEST_EQUAL, .a = value, .k = k}, .holds = holds};
}

static void
add_least_length(struct list *list, enum dp_expr_op length, uint16_t least)
{
	struct dp_test test = {.kind = DP_TEST_ABOVE, .a = dp_expr_symbol(list->exprs, length), .k = least - 1u};
	list->premises[list->n++] = (struct dp_filter_premise){.test = test, .holds = true};
}

static void
add_transport(struct list *list, unsigned shape, dp_expr_id protocol)
{
	const uint32_t icmp = is_ipv6(shape) ? ICMPV6 : ICMP;
	switch ((enum dp_filter_transport)(shape % DP_TRANSPORTS)) {
	case DP_TRANSPORT_UDP:
		add_equal(list, protocol, UDP, true);
		return;
	case DP_TRANSPORT_TCP:
		add_equal(list, protocol, TCP, true);
		return;
	case DP_TRANSPORT_ICMP:
		add_equal(list, protocol, icmp, true);
		return;
	default:
		break;
	}
	add_equal(list, protocol, UDP, false);
	add_equal(list, protocol, TCP, false);
	add_equal(list, protocol, icmp, false);
	for (unsigned i = 0; is_ipv6(shape) && i < sizeof(extension_headers); i++)
		add_equal(list, protocol, extension_headers[i], false);
}

unsigned
dp_filter_shape_premises(struct dp_expr_table *exprs, unsigned shape, struct dp_filter_premise *premises)
{
	struct list list = {.exprs = exprs, .premises = premises};
	uint32_t type = is_tagged(shape) ? 16 : 12;
	uint16_t least = dp_filter_shape_least(shape);
	add_least_length(&list, DP_EXPR_SEGMENT, least);
	add_least_length(&list, DP_EXPR_LENGTH, least);
	if (is_tagged(shape))
		add_equal(&list, dp_expr_load(exprs, 2, 12), 0x8100, true);
	add_equal(&list, dp_expr_load(exprs, 2, type), is_ipv6(shape) ? 0x86dd : 0x0800, true);
	if (is_ipv6(shape)) {
		add_transport(&list, shape, dp_expr_load(exprs, 1, type + 8));
		return list.n;
	}
	dp_expr_id offset =
		dp_expr_binary(exprs, DP_EXPR_AND, dp_expr_load(exprs, 2, type + 8), dp_expr_const(exprs, 0x1fff));
	add_equal(&list, dp_expr_load(exprs, 1, type + 2), 0x45, true);
	add_equal(&list, offset, 0, true);
	add_transport(&list, shape, dp_expr_load(exprs, 1, type + 11));
	return list.n;
}
