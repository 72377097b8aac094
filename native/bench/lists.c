/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

__attribute__((format(printf, 1, 2))) static char *
text(const char *format, ...)
{
	char *result = NULL;
	va_list args;
	va_start(args, format);
	if (vasprintf(&result, format, args) < 0)
		exit(1);
	va_end(args);
	return result;
}

/* A rule with room for expressions; the lists live as long as the program. */
static struct dp_rule_source *
add_rule(struct bench_list *list, const char *name, unsigned expressions)
{
	struct dp_rule_source *rule = &list->rules[list->n++];
	*rule = (struct dp_rule_source){.name = name};
	if (expressions > 0 && (rule->match = calloc(expressions, sizeof(*rule->match))) == NULL)
		exit(1);
	return rule;
}

static void
add_expression(struct dp_rule_source *rule, const char *expression)
{
	((const char **)rule->match)[rule->n_match++] = expression;
}

static void
add_plain(struct bench_list *list, const char *expression)
{
	add_expression(add_rule(list, expression, 1), expression);
}

/* As `spillway run` has its own rules. */
static void
add_behind_vlans(struct dp_rule_source *rule, const char *expression)
{
	add_expression(rule, expression);
	add_expression(rule, text("vlan and (%s)", expression));
	add_expression(rule, text("vlan and vlan and (%s)", expression));
}

static void
add_builtins(struct bench_list *list)
{
	static const char *const builtins[][2] = {
		{"arp", "arp"},
		{"ipv6-nd", "icmp6 and ip6[40] >= 133 and ip6[40] <= 137"},
		{"lldp", "ether proto 0x88cc"},
		{"slow-protocols", "ether proto 0x8809"},
	};
	for (unsigned i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		add_behind_vlans(add_rule(list, builtins[i][0], 3), builtins[i][1]);
}

static void
add_local(struct bench_list *list, unsigned n)
{
	struct dp_rule_source *rule = add_rule(list, "local", 6);
	char *v4 = text("ip dst host 10.99.0.1");
	char *v6 = text("ip6 dst host fd99::1");
	for (unsigned i = 2; i <= n; i++) {
		v4 = text("%s or ip dst host 10.99.0.%u", v4, i);
		v6 = text("%s or ip6 dst host fd99::%x", v6, i);
	}
	add_behind_vlans(rule, v4);
	add_behind_vlans(rule, v6);
}

static void
make_builtins(struct bench_list *list)
{
	list->name = "built-ins, local, 5 rules";
	add_plain(list, "tcp port 179");
	add_plain(list, "udp port 514");
	add_plain(list, "icmp");
	add_plain(list, "host 10.1.2.3 and tcp port 22");
	add_plain(list, "ether proto 0x88cc");
	add_builtins(list);
	add_local(list, 1);
}

static void
make_tuples(struct bench_list *list)
{
	list->name = "64 five-tuples";
	for (unsigned i = 0; i < BENCH_RULES; i++) {
		unsigned from = BENCH_TUPLE_SOURCE(i);
		unsigned to = BENCH_TUPLE_DESTINATION(i);
		add_plain(list,
			  text("src host %u.%u.%u.%u and dst host %u.%u.%u.%u and udp src port %u and dst port %u",
			       from >> 24, from >> 16 & 255, from >> 8 & 255, from & 255, to >> 24, to >> 16 & 255,
			       to >> 8 & 255, to & 255, BENCH_TUPLE_SOURCE_PORT(i), BENCH_TUPLE_DESTINATION_PORT(i)));
	}
}

void
bench_list_make(struct bench_list *list, enum bench_list_kind kind)
{
	*list = (struct bench_list){.n = 0};
	switch (kind) {
	case BENCH_BUILTINS:
		make_builtins(list);
		break;
	case BENCH_TUPLES:
		make_tuples(list);
		break;
	case BENCH_PORTS:
		list->name = "64 single ports";
		for (unsigned i = 0; i < BENCH_RULES; i++)
			add_plain(list, text("udp port %u", BENCH_PORT(i)));
		break;
	default:
		list->name = "local of 64 addresses";
		add_builtins(list);
		add_local(list, BENCH_RULES / 2);
	}
	add_rule(list, "default", 0);
}
