/* SPDX-License-Identifier: Apache-2.0 */
#include "punt_stamp.h"

#include <rte_errno.h>

#include "error.h"

int dp_stamp_offset;
uint64_t dp_stamp_flag;

int
dp_stamp_register(struct dp_error *error)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "spillway_punt_tsc", .size = sizeof(uint64_t), .align = __alignof__(uint64_t)};
	static const struct rte_mbuf_dynflag flag = {.name = "spillway_punt_stamped"};
	int offset = rte_mbuf_dynfield_register(&field);
	if (offset < 0)
		return dp_fail(error, rte_errno, "rte_mbuf_dynfield_register", field.name, "%s",
			       rte_strerror(rte_errno));
	int bit = rte_mbuf_dynflag_register(&flag);
	if (bit < 0)
		return dp_fail(error, rte_errno, "rte_mbuf_dynflag_register", flag.name, "%s", rte_strerror(rte_errno));
	dp_stamp_offset = offset;
	dp_stamp_flag = UINT64_C(1) << bit;
	return 0;
}

void
dp_stamp_count(struct dp_latency_row *row, enum dp_class klass, const uint64_t *stamps, unsigned n)
{
	uint64_t now = rte_rdtsc();
	double ns_per_cycle = 1e9 / (double)rte_get_tsc_hz();
	for (unsigned i = 0; i < n; i++) {
		/* CPUs whose clocks are a little apart may see it arrive before it left. */
		uint64_t cycles = now > stamps[i] ? now - stamps[i] : 0;
		uint64_t ns = (uint64_t)((double)cycles * ns_per_cycle);
		dp_count(&row->packets[klass][dp_latency_slot(ns)], 1);
		dp_count(&row->ns[klass], ns);
	}
}
