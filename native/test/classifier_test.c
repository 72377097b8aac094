/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classifier_test [CAPTURE [FRAMES]]: the classifier against libpcap, in TAP. FRAMES per list is 3000 unless said; the
 * fuzz always sees 12,000. Built with AddressSanitizer it also shows that nothing is read beyond a frame's end;
 * without, the page behind each segment does.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bpf.h>

#include "filter_emit.h"
#include "filter_fuse.h"
#include "filter_jit.h"
#include "prove.h"

#define MAX_FRAMES 400
#define FUZZ_FRAMES 12000
#define MAX_HOSTS 230
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *const expressions[] = {
	/* what operators write */
	"tcp port 179",
	"udp port 514",
	"icmp",
	"host 10.1.2.3 and tcp port 22",
	"ether proto 0x88cc",
	"udp port 2152",
	"udp port 5353",
	"arp",
	"vlan and arp",
	"vlan and vlan and arp",
	"icmp6 and ip6[40] >= 133 and ip6[40] <= 137",
	"vlan and icmp6 and ip6[40] >= 133 and ip6[40] <= 137",
	"dst host 10.99.0.1",
	"vlan and dst host fd00::1",
	"ip[6:2] & 0x1fff != 0",
	"dst net 224.0.0.0/4 or ip6 dst net ff00::/8",
	/* the two bugs of rte_bpf */
	"icmp[icmptype]=icmp-echo",
	"tcp[tcpflags] & tcp-syn != 0",
	"tcp[13] & 7 != 0",
	"ether multicast",
	/* DPDK's app/test/test_bpf.c */
	"host 172.18.5.4",
	"net 192.168.0.0/24",
	"src net 192.168.0.0/24",
	"src net 192.168.0.0 mask 255.255.255.0",
	"dst net 192.168.0.0/24",
	"port 53",
	"host 192.0.2.1 and not (port 80 or port 25)",
	"host 2001:4b98:db0::8 and not port 80 and not port 25",
	"port not 53 and not arp",
	"(tcp[0:2] > 1500 and tcp[0:2] < 1550) or (tcp[2:2] > 1500 and tcp[2:2] < 1550)",
	"ether proto 0x888e",
	"ether[0] & 1 = 0 and ip[16] >= 224",
	"icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply",
	"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 127.0.0.1",
	"not ether dst 01:80:c2:00:00:0e",
	"not broadcast and not multicast",
	"dst host ff02::1",
	"port 80 and tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
	"dst port 135 and tcp port 135 and ip[2:2]==48",
	"icmp[icmptype]==icmp-echo and ip[2:2]==92 and icmp[8:4]==0xAAAAAAAA",
	("dst port 135 or dst port 445 or dst port 1433 and tcp[tcpflags] & (tcp-syn) != 0 and "
	 "tcp[tcpflags] & (tcp-ack) = 0 and src net 192.168.0.0/24"),
	("tcp src port 443 and (tcp[((tcp[12] & 0xF0) >> 4 ) * 4] = 0x18) and "
	 "(tcp[((tcp[12] & 0xF0) >> 4 ) * 4 + 1] = 0x03) and (tcp[((tcp[12] & 0xF0) >> 4 ) * 4 + 2] < 0x04) and "
	 "((ip[2:2] - 4 * (ip[0] & 0x0F) - 4 * ((tcp[12] & 0xF0) >> 4) > 69))"),
	"len = 128",
	/* every kind of primitive */
	"ether host 02:00:00:00:00:01",
	"ether src 01:80:c2:00:00:02 or ether dst ff:ff:ff:ff:ff:ff",
	"broadcast or ip multicast",
	"ip6 multicast",
	"greater 1000",
	"less 70",
	"greater 100 and less 200 and tcp",
	"portrange 1500-1550",
	"udp dst portrange 2000-5353",
	"tcp src portrange 20-25 and dst port 80",
	"sctp port 443 or sctp",
	"ip proto 47",
	"ip6 proto 58",
	"ip proto \\tcp and not port 22",
	"vlan",
	"vlan 100",
	"vlan 100 and vlan 101 and ip",
	"not vlan and ip6",
	"vlan and (tcp port 80 or udp port 53)",
	"mpls",
	"mpls 1024 and mpls and ip",
	"mpls 1024 and host 10.10.10.10",
	"pppoes",
	"pppoes and ip and tcp",
	"rarp or ether proto 0x8863",
	"stp or ipx or iso",
	"ip6 host fd00::1 and dst port 443",
	"ip6[6] = 44 or ip6[6] = 0",
	"ip host 128.0.0.1 or host 255.255.255.255",
	"ether[12:4] & 0xffff0f00 = 0x08000500",
	"ether[200:4] > 0x80000000",
	"ether[1400] = 7 or ether[61] = 1",
	/* arithmetics */
	"ip[2:2] % 7 = 3 and ip[8] / (ip[9]-1) > 3",
	"ip[8] / (ip[9] & 1) != 5",
	"ip[8] % ip[1] = 0",
	"tcp[0:2] << (ip[8] & 63) > 0x80000000",
	"ip[12:4] >> ip[1] = 0",
	"tcp[0:2] > tcp[2:2]",
	"udp[0:2] >= udp[2:2] and udp[0:2] != udp[4:2]",
	"ip[12:4] ^ ip[16:4] > 0x1000000",
	"ip[12:4] * 3 - ip[16:4] > 0x7fffffff",
	"ip[12:4] | 0xff = 0x0a0000ff or -ip[0] < 5",
	"(ip[0] + ip[1]) * (ip[2] + ip[3]) > (ip[4] - ip[5]) * (ip[6] + ip[7])",
	("((ip[0]+ip[1])*(ip[2]+ip[3])+(ip[4]+ip[5])*(ip[6]+ip[7]))*((ip[8]+ip[9])*(ip[10]+ip[11])) > "
	 "((ip[12]+ip[13])*(ip[14]+ip[15])+(ip[16]+ip[17])*(ip[18]+ip[19]))*((ip[1]+ip[3])*(ip[5]+ip[7]))"),
	"ip[ip[0] & 0xf] = ip[ip[1] & 0x3f]",
	"udp[len - 60] = 0 and len & 3 = 0",
	"ip[2:2] < len - 14",
	"ether[ether[14]:2] & 0x8001 = 0x8000",
	"tcp[20:4] = 0x47455420 or udp[8:4] = 0xaaaaaaaa",
};

static unsigned n_tests;
static unsigned n_failed;
static unsigned n_frames = 3000;
static unsigned long n_compared;
static unsigned long n_relaid;

static struct {
	uint8_t bytes[2048];
	uint32_t length;
} captured[MAX_FRAMES];
static unsigned n_captured;

static void
report(bool good, const char *name, const char *detail)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++n_tests, name);
	if (!good) {
		printf("# %s\n", detail);
		n_failed++;
	}
}

static void
set_rule(struct dp_rule_source *rule, const char *const *match)
{
	*rule = (struct dp_rule_source){.name = *match, .match = match, .n_match = 1};
}

static void
end_list(struct dp_rule_source *rules, unsigned n)
{
	rules[n] = (struct dp_rule_source){.name = "default"};
}

/* Proves the list; where a rule must be hit, with as many frames as it takes to see it hit and missed. */
static void
prove_list(const struct dp_rule_source *rules, unsigned n, uint64_t seed, int must_hit, const char *name)
{
	unsigned hits[DP_MAX_RULES] = {0};
	struct dp_error error;
	struct dp_proof proof = {.hits = hits};
	bool shown = false;
	for (unsigned round = 0; round < 50 && !shown && !proof.mismatch; round++) {
		if (dp_prove(rules, n, seed + 100000 * round, n_frames, &proof, &error) != 0) {
			report(false, name, error.message);
			return;
		}
		shown = must_hit < 0 || (hits[must_hit] > 0 && hits[n - 1] > 0);
	}
	n_compared += proof.comparisons;
	n_relaid += proof.info.relaid;
	report(shown && !proof.mismatch, name,
	       proof.mismatch ? proof.difference : "the frames do not show both outcomes");
}

static void
test_each_alone(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(expressions); i++) {
		struct dp_rule_source rules[2];
		char name[600];
		snprintf(name, sizeof(name), "alone: %s", expressions[i]);
		set_rule(&rules[0], &expressions[i]);
		end_list(rules, 1);
		prove_list(rules, 2, 1000 + i, 0, name);
	}
}

/* Expressions picked by chance, alternatives joined in one rule now and then. */
static unsigned
pick_list(struct dp_corpus *corpus, struct dp_rule_source *rules, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned alternatives = 1 + dp_corpus_below(corpus, 3) / 2;
		unsigned from = dp_corpus_below(corpus, ARRAY_LEN(expressions) - alternatives + 1);
		set_rule(&rules[i], &expressions[from]);
		rules[i].n_match = alternatives;
	}
	end_list(rules, n);
	return n + 1;
}

/* A list of 2 to 64 rules for each seed; small ones more often. */
static unsigned
pick_list_of_seed(unsigned seed, struct dp_rule_source *rules)
{
	struct dp_corpus corpus = {.random = seed * UINT64_C(7919)};
	for (unsigned i = 0; i < 5; i++)
		dp_corpus_random(&corpus);
	return pick_list(&corpus, rules, 2 + dp_corpus_below(&corpus, seed % 3 != 0 ? 8 : 62));
}

static void
test_lists(void)
{
	static const unsigned sizes[] = {2, 3, 5, 8, 12, 16, 24, 32, 48, 64, 64, 64};
	struct dp_corpus corpus = {.random = 77};
	struct dp_rule_source rules[65];
	char name[80];
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		snprintf(name, sizeof(name), "list %u of %u rules", i + 1, sizes[i]);
		unsigned n = pick_list(&corpus, rules, sizes[i]);
		prove_list(rules, n, 2000 + i, -1, name);
	}
	for (unsigned seed = 1; seed <= 40; seed++) {
		unsigned n = pick_list_of_seed(seed, rules);
		snprintf(name, sizeof(name), "list of seed %u with %u rules", seed, n - 1);
		prove_list(rules, n, seed, -1, name);
	}
}

/* Lists that once went wrong. */
static void
test_regressions(void)
{
	static const char *const lists[][3] = {
		/* a load at [x + 16] that had become one at [36] was forgotten among what was looked at */
		{"dst port 135 and tcp port 135 and ip[2:2]==48", "ip proto \\tcp and not port 22", NULL},
		/* and so was a comparison of two loads of which one had become a constant */
		{"icmp[icmptype]==icmp-echo and ip[2:2]==92", "dst port 135 or dst port 445", "tcp[0:2] > tcp[2:2]"},
	};
	/* Lists for which rte_bpf's JIT, asked once, makes jumps into the middle of instructions. */
	static const unsigned jit_seeds[] = {152, 245, 254, 352, 386, 410, 434, 487, 502};
	struct dp_rule_source rules[65];
	char name[80];
	for (unsigned i = 0; i < ARRAY_LEN(lists); i++) {
		unsigned n = lists[i][2] == NULL ? 2 : 3;
		for (unsigned r = 0; r < n; r++)
			set_rule(&rules[r], &lists[i][r]);
		end_list(rules, n);
		snprintf(name, sizeof(name), "regression %u", i + 1);
		prove_list(rules, n + 1, 3000 + i, -1, name);
	}
	for (unsigned i = 0; i < ARRAY_LEN(jit_seeds); i++) {
		snprintf(name, sizeof(name), "regression: jumps of the machine code, seed %u", jit_seeds[i]);
		unsigned n = pick_list_of_seed(jit_seeds[i], rules);
		prove_list(rules, n, jit_seeds[i], -1, name);
	}
}

static void
load_capture(const char *path)
{
	char problem[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *header;
	const uint8_t *bytes;
	pcap_t *file = pcap_open_offline(path, problem);
	while (file != NULL && n_captured < MAX_FRAMES && pcap_next_ex(file, &header, &bytes) == 1) {
		if (header->caplen > sizeof(captured[0].bytes))
			continue;
		memcpy(captured[n_captured].bytes, bytes, header->caplen);
		captured[n_captured++].length = header->caplen;
	}
	if (file != NULL)
		pcap_close(file);
	report(n_captured >= 50, "real packets are there", problem);
}

/* The frame with `tags` VLAN tags put in. */
static uint32_t
tag_frame(uint8_t *to, const uint8_t *frame, uint32_t length, unsigned tags)
{
	static const uint8_t tag[4] = {0x81, 0x00, 0x00, 100};
	memcpy(to, frame, 12);
	for (unsigned i = 0; i < tags; i++)
		memcpy(to + 12 + 4 * i, tag, sizeof(tag));
	if (tags == 2)
		to[12] = 0x88, to[13] = 0xa8;
	memcpy(to + 12 + 4 * tags, frame + 12, length - 12);
	return length + 4 * tags;
}

static bool
compare_captured(struct dp_bench *bench, struct dp_proof *proof)
{
	for (unsigned i = 0; i < n_captured; i++)
		for (unsigned tags = 0; tags < 4; tags++) {
			uint8_t frame[sizeof(captured[0].bytes) + 16];
			uint32_t length = tag_frame(frame, captured[i].bytes, captured[i].length, tags);
			if (!dp_bench_compare(bench, frame, length, proof))
				return false;
		}
	return true;
}

static void
compare_list_with_capture(const struct dp_rule_source *rules, unsigned n, struct dp_proof *proof)
{
	struct dp_bench bench;
	struct dp_error error;
	if (dp_bench_init(&bench, rules, n, &error) != 0) {
		snprintf(proof->difference, sizeof(proof->difference), "%s", error.message);
		proof->mismatch = true;
		return;
	}
	bench.corpus.random = n;
	compare_captured(&bench, proof);
	dp_bench_free(&bench);
}

static void
test_real_packets(void)
{
	struct dp_proof proof = {0};
	struct dp_corpus corpus = {.random = 4711};
	for (unsigned i = 0; i < ARRAY_LEN(expressions) && !proof.mismatch; i++) {
		struct dp_rule_source rules[2];
		set_rule(&rules[0], &expressions[i]);
		end_list(rules, 1);
		compare_list_with_capture(rules, 2, &proof);
	}
	report(!proof.mismatch, "real packets, untagged and behind 1 to 3 tags, each expression", proof.difference);
	for (unsigned round = 0; round < 10 && !proof.mismatch; round++) {
		struct dp_rule_source rules[65];
		compare_list_with_capture(rules, pick_list(&corpus, rules, 64), &proof);
	}
	report(!proof.mismatch, "real packets, untagged and behind 1 to 3 tags, lists of 64", proof.difference);
	n_compared += proof.comparisons;
}

static void
test_refused(const char *name, const char *expression, const char *expected)
{
	struct dp_rule_source rules[] = {
		{.name = "good", .match = expressions, .n_match = 1},
		{.name = "bad", .match = &expression, .n_match = 1},
		{.name = "default"},
	};
	struct dp_error error;
	char found[400] = "it was accepted";
	struct dp_classifier *classifier = dp_classifier_new(rules, 3, 0, &error);
	if (classifier == NULL)
		snprintf(found, sizeof(found), "%s: %s: %s", error.call, error.subject, error.message);
	report(strcmp(found, expected) == 0, name, found);
	dp_classifier_free(classifier);
}

static void
test_refusals(void)
{
	static char long_text[5000];
	struct dp_error error;
	struct dp_rule_source open_end = {.name = "only", .match = expressions, .n_match = 1};
	memset(long_text, ' ', 4098);
	long_text[0] = 'i';
	long_text[1] = 'p';
	test_refused("a syntax error names the rule and says what libpcap says", "tcp prt 80",
		     "pcap_compile: bad: can't parse filter expression: syntax error");
	test_refused("an unknown host is refused", "host 300.1.2.3",
		     "pcap_compile: bad: invalid IPv4 address '300.1.2.3'");
	test_refused("a contradiction is refused", "tcp and udp", "pcap_compile: bad: expression rejects all packets");
	test_refused("loops are refused", "ip6 protochain 6",
		     "pcap_compile: bad: loops are not supported (protochain)");
	test_refused("a text beyond the limit is refused", long_text,
		     "pcap_compile: bad: expression has 4098 bytes, at most 4096 are allowed");
	report(dp_classifier_new(&open_end, 1, 0, &error) == NULL, "a list that does not end is refused", "accepted");
	report(dp_classifier_new(&open_end, 0, 0, &error) == NULL, "an empty list is refused", "accepted");
}

static void
test_long_list(const char *name, unsigned n, const char *pattern, unsigned first)
{
	static char texts[DP_MAX_RULES][100];
	static const char *match[DP_MAX_RULES];
	struct dp_rule_source rules[DP_MAX_RULES];
	for (unsigned i = 0; i < n; i++) {
		snprintf(texts[i], sizeof(texts[i]), pattern, first + i, first + i);
		match[i] = texts[i];
		set_rule(&rules[i], &match[i]);
	}
	end_list(rules, n);
	prove_list(rules, n + 1, n, -1, name);
}

/* Long lists would take exponential time and space if every known fact were carried through them. */
static void
test_bounds(void)
{
	char text[DP_FILTER_MAX_TEXT + 1] = "";
	test_long_list("64 TCP ports", 64, "tcp port %u", 1000);
	test_long_list("64 hosts with ports", 64, "host 10.0.0.%u and udp port %u", 1);
	test_long_list("64 IPv6 hosts with ports", 64, "ip6 host 2001:db8::%x and tcp port %u", 1);
	test_long_list("64 hosts with ports behind VLAN tags", 64, "vlan %u and src host 10.0.0.%u and udp", 2);
	test_long_list("511 rules", 511, "tcp dst port %u", 1);
	for (unsigned i = 0; i < MAX_HOSTS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%shost 10.2.0.%u", i == 0 ? "" : " or ", i);
	const char *match = text;
	struct dp_rule_source rules[2];
	set_rule(&rules[0], &match);
	end_list(rules, 1);
	prove_list(rules, 2, 5, 0, "230 hosts in one expression");
}

static const char *const builtins[] = {
	"tcp port 179",
	"udp port 514",
	"icmp",
	"host 10.1.2.3 and tcp port 22",
	"ether proto 0x88cc",
	"arp",
	"vlan and arp",
	"vlan and vlan and arp",
	"icmp6 and ip6[40] >= 133 and ip6[40] <= 137",
	"vlan and icmp6 and ip6[40] >= 133 and ip6[40] <= 137",
	"dst host 10.99.0.1",
	"vlan and dst host 10.99.0.1",
	"vlan and vlan and dst host 10.99.0.1",
	"dst host fd00::1",
	"vlan and dst host fd00::1",
	"vlan and vlan and dst host fd00::1",
	"greater 1200",
	"tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420",
	"ip[ip[0] & 0xf] = ip[ip[1] & 0x3f]",
};

static bool
open_builtins(struct dp_bench *bench)
{
	struct dp_rule_source rules[ARRAY_LEN(builtins) + 1];
	struct dp_error error;
	for (unsigned i = 0; i < ARRAY_LEN(builtins); i++)
		set_rule(&rules[i], &builtins[i]);
	end_list(rules, ARRAY_LEN(builtins));
	if (dp_bench_init(bench, rules, ARRAY_LEN(rules), &error) == 0)
		return true;
	report(false, "the built-ins compile", error.message);
	return false;
}

/* Runts, cut tags and headers, garbled and over-long frames: the answer is the oracle's, and nothing is overread. */
static void
test_fuzz(void)
{
	static uint8_t frame[DP_CORPUS_MAX_BYTES];
	struct dp_bench bench;
	struct dp_proof proof = {0};
	if (!open_builtins(&bench))
		return;
	bench.corpus.random = 0xf022;
	for (unsigned i = 0; i < FUZZ_FRAMES && !proof.mismatch; i++) {
		uint32_t length = dp_corpus_frame(&bench.corpus, frame);
		for (uint32_t times = 1 + dp_corpus_below(&bench.corpus, 3); times > 0; times--)
			length = dp_corpus_mutate(&bench.corpus, frame, length, 0);
		dp_bench_compare(&bench, frame, length, &proof);
	}
	report(!proof.mismatch, "fuzz: mutated frames, each in memory of exactly its length", proof.difference);
	report(proof.truncated > FUZZ_FRAMES / 20, "fuzz: cut headers are among them", "too few");
	printf("# %u mutated frames, %u of them with cut headers\n", proof.packets, proof.truncated);
	n_compared += proof.comparisons;
	dp_bench_free(&bench);
}

/* Every length from nothing to beyond the fast program's window, one byte at a time. */
static void
test_every_length(void)
{
	static uint8_t frame[DP_CORPUS_MAX_BYTES];
	struct dp_bench bench;
	struct dp_proof proof = {0};
	if (!open_builtins(&bench))
		return;
	bench.corpus.random = 60;
	for (unsigned i = 0; i < 60 && !proof.mismatch; i++) {
		uint32_t length = dp_corpus_frame(&bench.corpus, frame);
		for (uint32_t cut = 0; cut <= length && cut <= 140 && !proof.mismatch; cut++)
			dp_bench_compare(&bench, frame, cut, &proof);
	}
	report(!proof.mismatch, "frames cut at every length up to 140", proof.difference);
	n_compared += proof.comparisons;
	dp_bench_free(&bench);
}

/* Rules that a frame of each shape matches, by what only that shape has. */
static const char *const shape_rules[] = {
	"udp port 514",
	"tcp port 179",
	"icmp or icmp6",
	"ip proto 47 or ip6 proto 47",
	"vlan and udp port 514",
	"vlan and tcp port 179",
	"vlan and (icmp or icmp6)",
	"vlan and (ip proto 47 or ip6 proto 47)",
};

static uint32_t
frame_of_shape(uint8_t *frame, bool tagged, bool v6, unsigned transport)
{
	static const uint8_t tag[] = {0x81, 0, 0, 100};
	static const uint8_t ipv4[] = {8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 0, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
	static const uint8_t ipv6[42] = {0x86, 0xdd, 0x60, 0, 0, 0, 0, 26, 0, 64, 0x20, 1};
	static const uint8_t protocols[2][4] = {{17, 6, 1, 47}, {17, 6, 58, 47}};
	static const uint16_t ports[] = {514, 179, 0, 0};
	uint8_t *at = frame + 12;
	memset(frame, 0, 128);
	if (tagged)
		at = (uint8_t *)memcpy(at, tag, sizeof(tag)) + sizeof(tag);
	memcpy(at, v6 ? ipv6 : ipv4, v6 ? sizeof(ipv6) : sizeof(ipv4));
	at[v6 ? 8 : 11] = protocols[v6][transport];
	at += v6 ? sizeof(ipv6) : sizeof(ipv4);
	at[2] = (uint8_t)(ports[transport] >> 8);
	at[3] = (uint8_t)ports[transport];
	return (uint32_t)(at - frame) + 20;
}

/* Every bit of the headers flipped, and every length, in one packet of a burst that otherwise is of one shape. */
static bool
compare_neighbours(struct dp_bench *bench, const uint8_t *frame, uint32_t length, struct dp_proof *proof)
{
	uint8_t odd[128];
	for (uint32_t bit = 8 * 12; bit < 8 * length; bit++) {
		memcpy(odd, frame, sizeof(odd));
		odd[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (!dp_bench_compare_alike(bench, frame, length, odd, length, bit * 7 % DP_BENCH_BURST, proof))
			return false;
	}
	for (uint32_t cut = 0; cut < length; cut++)
		if (!dp_bench_compare_alike(bench, frame, length, frame, cut, cut * 7 % DP_BENCH_BURST, proof))
			return false;
	return true;
}

static void
test_shapes(void)
{
	struct dp_rule_source rules[ARRAY_LEN(shape_rules) + 1];
	struct dp_bench bench;
	struct dp_error error;
	struct dp_proof proof = {0};
	uint32_t seen = 0;
	for (unsigned i = 0; i < ARRAY_LEN(shape_rules); i++)
		set_rule(&rules[i], &shape_rules[i]);
	end_list(rules, ARRAY_LEN(shape_rules));
	if (dp_bench_init(&bench, rules, ARRAY_LEN(rules), &error) != 0) {
		report(false, "the rules of shapes compile", error.message);
		return;
	}
	for (unsigned shape = 0; shape < 16 && !proof.mismatch; shape++) {
		uint8_t frame[128];
		uint32_t length = frame_of_shape(frame, shape >= 8, shape / 4 % 2, shape % 4);
		struct rte_mbuf *mbuf = dp_packet_fill(&bench.packet, frame, length, 1, 0, false);
		int number = mbuf == NULL ? -1 : dp_classify_shape(bench.classifier, mbuf);
		seen |= number < 0 ? 0 : 1u << number;
		compare_neighbours(&bench, frame, length, &proof);
	}
	report(seen == 0xffff, "there are tables for frames of 16 shapes", "for fewer");
	report(!proof.mismatch, "every bit and every length, in bursts of one shape", proof.difference);
	dp_bench_free(&bench);
}

/* The tables say what they cannot do. */
static void
test_obstacle(const char *name, const char *expression, unsigned tables, unsigned partial, const char *expected)
{
	struct dp_rule_source rules[2];
	struct dp_error error;
	struct dp_classifier_info info;
	char found[200];
	set_rule(&rules[0], &expression);
	end_list(rules, 1);
	struct dp_classifier *classifier = dp_classifier_new(rules, 2, 0, &error);
	if (classifier == NULL) {
		report(false, name, error.message);
		return;
	}
	dp_classifier_describe(classifier, &info);
	snprintf(found, sizeof(found), "%u %u %s: %s", info.table_shapes, info.partial_shapes,
		 info.obstacle == NULL ? "" : info.obstacle_shape, info.obstacle == NULL ? "" : info.obstacle);
	report(info.table_shapes == tables && info.partial_shapes == partial && strstr(found, expected) != NULL, name,
	       found);
	dp_classifier_free(classifier);
}

static void
test_obstacles(void)
{
	char fields[1200] = "";
	for (unsigned bits = 8; bits <= 30; bits++)
		snprintf(fields + strlen(fields), sizeof(fields) - strlen(fields), "%sip src net %u.0.0.0/%u",
			 bits == 8 ? "" : " or ", bits, bits);
	test_obstacle("a list that tables express has no obstacle", "udp port 514 or tcp[13] & 7 != 0", 16, 0, " : ");
	test_obstacle("arithmetic is left to the fused program", "len & 3 = 0", 0, 0, "ipv4 udp: a value is computed");
	test_obstacle("what comes before it narrows it down", "tcp port 80 and tcp[((tcp[12:1] & 0xf0) >> 2):4] = 7",
		      16, 1, "ipv4 tcp: the place of a value depends on the packet");
	test_obstacle("four bytes by size are left to the fused program", "udp and ip[12:4] > 0x0a000000", 15, 0,
		      "ipv4 udp: values of four bytes are compared by size");
	test_obstacle("bytes far behind the headers are left to the fused program", "udp port 53 and ether[1400] = 7",
		      16, 2, "ipv4 udp: bytes behind the headers");
	test_obstacle("too many fields are left to the fused program", fields, 12, 0, "there are too many fields");
}

/* Lists are swapped whenever an address of the tap changes, for as long as the pod lives. */
static void
test_memory(void)
{
	struct dp_rule_source rules[ARRAY_LEN(builtins) + 1];
	struct dp_error error;
	size_t before = 0;
	size_t after = 0;
	for (unsigned i = 0; i < ARRAY_LEN(builtins); i++)
		set_rule(&rules[i], &builtins[i]);
	end_list(rules, ARRAY_LEN(builtins));
	for (unsigned swap = 0; swap < 100; swap++) {
		dp_classifier_free(dp_classifier_new(rules, ARRAY_LEN(rules), 0, &error));
		after = mallinfo2().uordblks + mallinfo2().hblkhd;
		if (swap == 10)
			before = after;
	}
	char detail[80];
	snprintf(detail, sizeof(detail), "%zu bytes, then %zu", before, after);
	report(after <= before, "90 lists made and freed leave nothing behind", detail);
}

#if defined(RTE_ARCH_X86_64)

/* Machine code with the displacement of the jump at `at` changed by one. */
static enum dp_jit_verdict
check_spoilt(const struct dp_filter_code *code, const struct rte_bpf_jit *jit, size_t at)
{
	uint8_t *copy = malloc(jit->sz);
	if (copy == NULL)
		return DP_JIT_SOUND;
	memcpy(copy, (const void *)(uintptr_t)jit->func, jit->sz);
	copy[at]++;
	struct rte_bpf_jit spoilt = {.func = (uint64_t(*)(void *))(uintptr_t)copy, .sz = jit->sz};
	enum dp_jit_verdict verdict = dp_filter_jit_check(code->insns, code->n, &spoilt);
	free(copy);
	return verdict;
}

static void
check_jit_of(const struct dp_filter_code *code)
{
	struct rte_bpf_prm prm = {.ins = code->insns, .nb_ins = code->n, .prog_arg = dp_filter_argument()};
	struct rte_bpf *bpf = rte_bpf_load(&prm);
	struct rte_bpf_jit jit = {.func = NULL};
	unsigned found = 0;
	unsigned missed = 0;
	if (bpf != NULL)
		rte_bpf_get_jit(bpf, &jit);
	if (jit.func == NULL) {
		report(false, "there is machine code to check", "no JIT");
		rte_bpf_destroy(bpf);
		return;
	}
	const uint8_t *bytes = (const uint8_t *)(uintptr_t)jit.func;
	report(dp_filter_jit_check(code->insns, code->n, &jit) == DP_JIT_SOUND, "sound machine code is taken",
	       "it is not");
	for (size_t at = 0; at + 6 < jit.sz; at++) {
		/* je, jne near, behind a comparison with a constant of one byte */
		bool jump = at > 4 && bytes[at] == 0x0f && (bytes[at + 1] == 0x84 || bytes[at + 1] == 0x85) &&
			    bytes[at - 4] == 0x48 && bytes[at - 3] == 0x83;
		if (!jump)
			continue;
		found++;
		missed += check_spoilt(code, &jit, at + 2) != DP_JIT_UNSOUND;
	}
	report(found > 10 && missed == 0, "a jump that is off by one byte is found, whichever it is", "missed");
	jit.sz--;
	report(dp_filter_jit_check(code->insns, code->n, &jit) == DP_JIT_UNKNOWN,
	       "code that ends early is not understood", "it is taken");
	rte_bpf_destroy(bpf);
}

/* The check of the machine code must find what it is there for. */
static void
test_jit_check(void)
{
	struct dp_rule_source rules[33];
	struct dp_corpus corpus = {.random = 9};
	struct dp_filter_source source;
	struct dp_filter_dag dag;
	struct dp_filter_code code;
	struct dp_error error;
	unsigned n = pick_list(&corpus, rules, 32);
	if (dp_filter_source_compile(&source, rules, n, &error) != 0) {
		report(false, "the list compiles", error.message);
		return;
	}
	if (dp_filter_fuse(&dag, &source, DP_FILTER_FAST, 0, &error) == 0) {
		if (dp_filter_emit(&code, &dag, 0, &error) == 0)
			check_jit_of(&code);
		else
			report(false, "the list is emitted", error.message);
		dp_filter_code_free(&code);
		dp_filter_dag_free(&dag);
	} else {
		report(false, "the list is fused", error.message);
	}
	dp_filter_source_free(&source);
}

#else

static void
test_jit_check(void)
{
	report(true, "the check of machine code # SKIP it is for x86-64", "");
}

#endif

struct reader {
	struct dp_classifier *_Atomic classifier;
	atomic_bool stop;
	atomic_uint wrong;
	atomic_ulong classified;
};

static void *
classify_on_and_on(void *argument)
{
	struct reader *reader = argument;
	struct dp_packet packet;
	if (!dp_packet_init(&packet))
		return NULL;
	struct rte_mbuf *pkts[8];
	uint16_t index[8];
	struct rte_mbuf *mbuf = dp_packet_fill(&packet, captured[0].bytes, captured[0].length, 1, 0, false);
	for (unsigned i = 0; i < 8; i++)
		pkts[i] = mbuf;
	while (!atomic_load(&reader->stop)) {
		dp_classify_burst(atomic_load(&reader->classifier), pkts, 8, index);
		for (unsigned i = 0; i < 8; i++)
			if (index[i] != index[0])
				atomic_fetch_add(&reader->wrong, 1);
		atomic_fetch_add(&reader->classified, 8);
	}
	dp_packet_free(&packet);
	return NULL;
}

/* The control thread compiles the next list while an lcore reads the one in force. */
static void
test_compiling_beside_classifying(void)
{
	struct dp_rule_source rules[17];
	struct dp_classifier *made[20];
	struct dp_error error;
	struct dp_corpus corpus = {.random = 5};
	struct reader reader = {0};
	pthread_t thread;
	unsigned n_made = 0;
	made[n_made++] = dp_classifier_new(rules, pick_list(&corpus, rules, 16), 0, &error);
	atomic_store(&reader.classifier, made[0]);
	if (made[0] == NULL || pthread_create(&thread, NULL, classify_on_and_on, &reader) != 0) {
		report(false, "lists are compiled beside classifying", "no start");
		dp_classifier_free(made[0]);
		return;
	}
	while (n_made < ARRAY_LEN(made)) {
		struct dp_classifier *next = dp_classifier_new(rules, pick_list(&corpus, rules, 16), 0, &error);
		if (next == NULL)
			break;
		atomic_store(&reader.classifier, next);
		made[n_made++] = next;
	}
	while (atomic_load(&reader.classified) < 1000)
		sched_yield();
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	report(n_made == ARRAY_LEN(made) && atomic_load(&reader.wrong) == 0, "lists are compiled beside classifying",
	       "a burst of equal packets got different answers, or a list was refused");
	while (n_made > 0)
		dp_classifier_free(made[--n_made]);
}

int
main(int argc, char **argv)
{
	if (argc > 2)
		n_frames = (unsigned)strtoul(argv[2], NULL, 10);
	load_capture(argc > 1 ? argv[1] : "test/fixtures/captures/real-traffic.pcap");
	test_refusals();
	test_each_alone();
	test_lists();
	test_regressions();
	test_jit_check();
	test_real_packets();
	test_every_length();
	test_fuzz();
	test_shapes();
	test_obstacles();
	test_memory();
	test_bounds();
	test_compiling_beside_classifying();
	printf("1..%u\n", n_tests);
	printf("# %lu layouts were changed because the JIT got their jumps wrong\n", n_relaid);
	printf("# %zu expressions, %lu comparisons, %u passed, %u failed\n", ARRAY_LEN(expressions), n_compared,
	       n_tests - n_failed, n_failed);
	return n_failed == 0 ? 0 : 1;
}
