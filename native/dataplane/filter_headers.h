/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_FILTER_HEADERS_H
#define DP_FILTER_HEADERS_H

#include <stdbool.h>

struct rte_mbuf;

/*
 * Whether the frame ends within its VLAN tags (0x8100, 0x88a8, 0x9100), its IPv4 header, or its IPv6 header and
 * extension headers. Safe on any number of segments, and bounded whatever the frame says.
 */
bool dp_filter_headers_truncated(const struct rte_mbuf *mbuf);

#endif
