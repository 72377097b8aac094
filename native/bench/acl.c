/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The five-tuples by rte_acl, as l3fwd-acl does it. It is asked about addresses, ports and protocol and nothing else:
 * all of the traffic is IPv4 without options, which here nobody looks at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_acl.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "bench.h"

#define CATEGORIES 1
#define PROTOCOL_AT 23 /* in the frame; where the fields begin */

enum { PROTOCOL, SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, FIELDS };

RTE_ACL_RULE_DEF(tuple_rule, FIELDS);

static const struct rte_acl_field_def fields[FIELDS] = {
	{.type = RTE_ACL_FIELD_TYPE_BITMASK, .size = 1, .field_index = PROTOCOL, .input_index = 0, .offset = 0},
	{.type = RTE_ACL_FIELD_TYPE_MASK, .size = 4, .field_index = SOURCE, .input_index = 1, .offset = 3},
	{.type = RTE_ACL_FIELD_TYPE_MASK, .size = 4, .field_index = DESTINATION, .input_index = 2, .offset = 7},
	{.type = RTE_ACL_FIELD_TYPE_RANGE, .size = 2, .field_index = SOURCE_PORT, .input_index = 3, .offset = 11},
	{.type = RTE_ACL_FIELD_TYPE_RANGE, .size = 2, .field_index = DESTINATION_PORT, .input_index = 3, .offset = 13},
};

static int
add_tuples(struct rte_acl_ctx *context)
{
	for (unsigned i = 0; i < BENCH_RULES; i++) {
		struct tuple_rule rule;
		memset(&rule, 0, sizeof(rule));
		rule.data = (struct rte_acl_rule_data){
			.category_mask = 1, .priority = (int32_t)(RTE_ACL_MAX_PRIORITY - i), .userdata = i + 1};
		rule.field[PROTOCOL] = (struct rte_acl_field){.value.u8 = 17, .mask_range.u8 = 0xff};
		rule.field[SOURCE] = (struct rte_acl_field){.value.u32 = BENCH_TUPLE_SOURCE(i), .mask_range.u32 = 32};
		rule.field[DESTINATION] =
			(struct rte_acl_field){.value.u32 = BENCH_TUPLE_DESTINATION(i), .mask_range.u32 = 32};
		rule.field[SOURCE_PORT].value.u16 = (uint16_t)BENCH_TUPLE_SOURCE_PORT(i);
		rule.field[SOURCE_PORT].mask_range.u16 = (uint16_t)BENCH_TUPLE_SOURCE_PORT(i);
		rule.field[DESTINATION_PORT].value.u16 = (uint16_t)BENCH_TUPLE_DESTINATION_PORT(i);
		rule.field[DESTINATION_PORT].mask_range.u16 = (uint16_t)BENCH_TUPLE_DESTINATION_PORT(i);
		if (rte_acl_add_rules(context, (const struct rte_acl_rule *)&rule, 1) != 0)
			return -1;
	}
	return 0;
}

static void *
open_acl(const struct bench_list *list, enum bench_list_kind kind)
{
	if (kind != BENCH_TUPLES)
		return NULL;
	struct rte_acl_param param = {
		.name = "bench", .socket_id = -1, .rule_size = RTE_ACL_RULE_SZ(FIELDS), .max_rule_num = BENCH_RULES};
	struct rte_acl_config config = {.num_categories = CATEGORIES, .num_fields = FIELDS};
	memcpy(config.defs, fields, sizeof(fields));
	struct rte_acl_ctx *context = rte_acl_create(&param);
	if (context != NULL && add_tuples(context) == 0 && rte_acl_build(context, &config) == 0)
		return context;
	fprintf(stderr, "rte_acl: the five-tuples do not build\n");
	exit(1);
}

static void
classify_by_acl(void *state, struct rte_mbuf **pkts, uint16_t *index)
{
	const uint8_t *data[BENCH_BURST];
	uint32_t results[BENCH_BURST * CATEGORIES];
	for (unsigned i = 0; i < BENCH_BURST; i++)
		data[i] = rte_pktmbuf_mtod_offset(pkts[i], const uint8_t *, PROTOCOL_AT);
	rte_acl_classify(state, data, results, BENCH_BURST, CATEGORIES);
	for (unsigned i = 0; i < BENCH_BURST; i++)
		index[i] = (uint16_t)(results[i] == 0 ? BENCH_RULES : results[i] - 1);
}

static void
close_acl(void *state)
{
	rte_acl_free(state);
}

const struct bench_way bench_acl = {"rte_acl", true, open_acl, classify_by_acl, close_acl};
