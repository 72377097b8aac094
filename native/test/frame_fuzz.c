/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target (`npm run fuzz`): what the data plane does with a frame, whoever made it. The frame is classified by
 * every engine and by libpcap; forwarded by the modes that look into it; taken from the tap, with the virtio-net header
 * that stands before it, and cut or completed; given to the tap as verified. What comes out is read a second time,
 * byte by byte (frame_oracle.c). Every frame lies in memory of exactly its length.
 *
 * An input is a virtio-net header, two bytes that steer, and the frame. FUZZ_STATS=1 says at the end how often each
 * stage was reached.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_net.h>

#include "forward.h"
#include "frame_oracle.h"
#include "gro.h"
#include "offload.h"
#include "prove.h"
#include "rule_coverage.h"
#include "vlan.h"
#include "vnet_header.h"

#define MAX_FRAME 16000
#define STEERING 2
#define LEAST_INPUT (sizeof(struct virtio_net_hdr) + STEERING)

/* Of every kind that users and `compose.ts` write: the built-ins, behind tags too, addresses, ports, fragments. */
static const char *const arp[] = {"arp", "vlan and arp", "vlan and vlan and arp"};
static const char *const nd[] = {"icmp6 and ip6[40] >= 133 and ip6[40] <= 137",
				 "vlan and icmp6 and ip6[40] >= 133 and ip6[40] <= 137"};
static const char *const link_local[] = {"ether proto 0x88cc", "ether proto 0x8809", "vlan and ether proto 0x88cc"};
static const char *const fragments[] = {"ip[6:2] & 0x1fff != 0", "ip6[6] == 44 and ip6[42:2] & 0xfff8 != 0"};
static const char *const bgp[] = {"tcp port 179", "vlan and tcp port 179"};
static const char *const flags[] = {"tcp[tcpflags] & (tcp-syn|tcp-rst) != 0 and tcp portrange 1500-1550"};
static const char *const tunnels[] = {"udp port 2152 or udp port 4789", "ip proto 47", "mpls", "pppoes and ip"};
static const char *const ping[] = {"icmp[icmptype] = icmp-echo", "ip6 proto 58 and ip6[40] = 128"};
static const char *const bfd[] = {"udp dst port 3784", "ip proto 89", "sctp port 2905"};
static const char *const local[] = {"ip dst host 10.0.0.1 or ip6 dst host fd00::1",
				    "vlan and (ip dst host 10.0.0.1 or ip6 dst host fd00::1)"};

#define RULE(expressions)                                                 \
	{                                                                 \
		.name = #expressions, .match = (expressions),             \
		.n_match = sizeof(expressions) / sizeof((expressions)[0]) \
	}
static const struct dp_rule_source rules[] = {
	RULE(flags), RULE(bgp), RULE(tunnels),	  RULE(ping),  RULE(bfd),	    RULE(fragments),
	RULE(arp),   RULE(nd),	RULE(link_local), RULE(local), {.name = "default"},
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1};
static struct dp_bench bench;

static struct {
	unsigned long inputs, echoed, completed, cut, pieces, refused, verified, tagged, merged;
} reached;

/* Not assert(), which a build may take out. */
static void
must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "frame_fuzz: %s\n", what);
	abort();
}

static uint8_t *
copy_of(const uint8_t *bytes, uint32_t length)
{
	uint8_t *copy = malloc(length > 0 ? length : 1);
	if (copy == NULL)
		abort();
	if (length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

static void
classify(const uint8_t *frame, uint32_t length, uint64_t seed)
{
	struct dp_proof proof = {0};
	bench.corpus.random = seed | 1;
	rule_coverage_walk(&bench.oracle.source, frame, length);
	must(dp_bench_compare(&bench, frame, length, &proof), proof.difference);
}

/* An mbuf around `bytes` of a frame, in memory that ends where they end and begins `headroom` before. */
static uint8_t *
wrap(struct rte_mbuf *m, const uint8_t *bytes, uint32_t length, uint16_t headroom)
{
	uint8_t *memory = malloc(headroom + length);
	if (memory == NULL)
		abort();
	memcpy(memory + headroom, bytes, length);
	memset(m, 0, sizeof(*m));
	m->buf_addr = memory;
	m->buf_len = (uint16_t)(headroom + length);
	m->data_off = headroom;
	m->data_len = (uint16_t)length;
	m->pkt_len = length;
	m->nb_segs = 1;
	return memory;
}

/* Modes macswap and icmpecho, on a first segment of the length that `steer` says. Lcores see no runts. */
static void
forward(const uint8_t *frame, uint32_t length, uint8_t steer)
{
	if (length < RTE_ETHER_HDR_LEN)
		return;
	struct rte_mbuf m, *pkts[] = {&m};
	struct dp_egress egress = {0};
	memcpy(egress.source_mac, own_mac, sizeof(own_mac));
	uint32_t first = steer == 0 || steer >= length ? length : steer < 16 ? 16 : steer;
	first = first < length ? first : length;

	uint8_t *memory = wrap(&m, frame, first, 0);
	bool echoed = dp_icmp_echo_reply(&m, own_mac);
	if (echoed)
		must(oracle_is_reply(frame, memory, first, own_mac), "the reply is not one");
	else
		must(memcmp(frame, memory, first) == 0, "a frame that is not answered was changed");
	reached.echoed += echoed;
	free(memory);

	if (first < 16)
		return;
	memory = wrap(&m, frame, first, 0);
	dp_forward_macswap(&egress, pkts, 1);
	must(oracle_is_swapped(frame, memory, first, own_mac), "macswap wrote more, or less, than the addresses");
	free(memory);
}

/* Takes off the tags that are there, as a device would, and has them put back. */
static void
restore_tags(const uint8_t *frame, uint32_t length)
{
	uint16_t tci[2] = {0};
	unsigned tags = oracle_strippable_tags(frame, length, tci);
	if (tags == 0)
		return;
	uint32_t bare = length - 4 * tags;
	uint8_t *stripped = copy_of(frame, bare);
	memcpy(stripped + 12, frame + 12 + 4 * tags, bare - 12);
	struct rte_mbuf m;
	uint8_t *memory = wrap(&m, stripped, bare, (uint16_t)(4 * tags));
	m.ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	m.vlan_tci = tci[tags - 1];
	if (tags == 2) {
		m.ol_flags |= RTE_MBUF_F_RX_QINQ | RTE_MBUF_F_RX_QINQ_STRIPPED;
		m.vlan_tci_outer = tci[0];
	}
	dp_vlan_restore(&m);
	must(m.data_len == length && memcmp(memory, frame, length) == 0, "the tags came back differently");
	reached.tagged++;
	free(stripped);
	free(memory);
}

static void
complete(const uint8_t *frame, uint32_t length, const struct dp_offload *offload)
{
	uint8_t *copy = copy_of(frame, length);
	bool done = dp_checksum_complete(copy, length, offload->checksum_start, offload->checksum_offset);
	if (done)
		must(oracle_is_completed(frame, copy, length, offload), "the completed checksum is wrong");
	else
		must(memcmp(frame, copy, length) == 0, "a refused frame was changed");
	reached.completed += done;
	reached.refused += !done;
	free(copy);
}

/* The pieces of a frame that was cut, or packets of any other kind, as a burst on its way to the kernel. */
struct burst {
	struct dp_gro gro;
	struct dp_gro_packet packets[DP_MAX_BURST];
	unsigned n;
};

static struct burst burst;

static void
add_to_burst(const uint8_t *bytes, uint32_t length)
{
	if (burst.n < DP_MAX_BURST)
		burst.packets[burst.n++] = (struct dp_gro_packet){.data = copy_of(bytes, length), .length = length};
}

/* Cuts a merged frame again: every packet must come out as it was. */
static void
cut_again(const struct dp_gro_frame *merged)
{
	uint32_t length = merged->payload_offset + merged->payload_bytes;
	uint8_t *frame = malloc(length), *headers = malloc(DP_GRO_HEADERS_MAX);
	if (frame == NULL || headers == NULL)
		abort();
	uint32_t at = dp_gro_write_headers(merged, burst.packets, headers);
	memcpy(frame, headers, at);
	for (uint16_t i = merged->first; i != DP_GRO_END; i = burst.gro.next[i]) {
		uint32_t part = burst.packets[i].length - merged->payload_offset;
		must(at + part <= length, "merged packets are longer than their frame");
		memcpy(frame + at, burst.packets[i].data + merged->payload_offset, part);
		at += part;
	}
	struct dp_offload offload = {.gso = merged->ipv6 ? DP_GSO_TCP6 : DP_GSO_TCP4,
				     .segment_bytes = merged->segment_bytes};
	struct dp_segmenter cutter;
	must(at == length && dp_segmenter_init(&cutter, frame, length, &offload), "a merged frame cannot be cut");
	uint8_t *piece = malloc(dp_segmenter_longest(&cutter));
	if (piece == NULL)
		abort();
	for (uint16_t i = merged->first; i != DP_GRO_END; i = burst.gro.next[i]) {
		uint32_t n = dp_segmenter_next(&cutter, piece);
		const struct dp_gro_packet *packet = &burst.packets[i];
		bool same = n == packet->length && memcmp(piece, packet->data, n) == 0;
		/* All ids alike cannot be restored, which gro.h says. */
		must(same || merged->id_step == 0, "a packet does not come out of its merged frame again");
	}
	must(dp_segmenter_next(&cutter, piece) == 0, "more comes out of a merged frame than went in");
	free(piece);
	free(headers);
	free(frame);
	reached.merged++;
}

static void
merge_burst(void)
{
	unsigned packets = 0;
	dp_gro_burst(&burst.gro, burst.packets, burst.n);
	for (unsigned f = 0; f < burst.gro.n_frames; f++) {
		packets += burst.gro.frames[f].n;
		if (burst.gro.frames[f].n > 1)
			cut_again(&burst.gro.frames[f]);
	}
	must(packets == burst.n, "a packet of the burst is in no frame, or in two");
	for (unsigned i = 0; i < burst.n; i++)
		free((void *)(uintptr_t)burst.packets[i].data);
	burst.n = 0;
}

static void
cut(const uint8_t *frame, uint32_t length, const struct dp_offload *offload)
{
	uint8_t *whole = copy_of(frame, length);
	struct dp_segmenter cutter;
	if (!dp_segmenter_init(&cutter, whole, length, offload)) {
		reached.refused++;
		free(whole);
		return;
	}
	uint32_t longest = dp_segmenter_longest(&cutter), offset = 0, n;
	unsigned pieces = 0;
	for (;; pieces++) {
		uint8_t *piece = malloc(longest);
		if (piece == NULL)
			abort();
		n = dp_segmenter_next(&cutter, piece);
		if (n > 0)
			must(n <= longest && oracle_is_piece(&cutter, piece, n, pieces, &offset), "a piece is wrong");
		if (n > 0)
			add_to_burst(piece, n);
		free(piece);
		if (n == 0)
			break;
	}
	must(pieces <= DP_SEGMENTS_MAX && cutter.headers.payload_offset + offset == length, "the pieces are not all");
	reached.cut++;
	reached.pieces += pieces;
	free(whole);
}

/* From the kernel: as exception_inject.c does it. */
static void
take_from_tap(const uint8_t *frame, uint32_t length, const struct virtio_net_hdr *header)
{
	struct dp_offload offload;
	if (!dp_vnet_read(header, &offload))
		return;
	if (offload.gso != DP_GSO_NONE)
		cut(frame, length, &offload);
	else if (offload.partial_checksum)
		complete(frame, length, &offload);
}

/* To the kernel: a device says that the checksum is right, of a packet of which `readable` bytes lie in one piece. */
static void
give_as_verified(const uint8_t *frame, uint32_t length, uint32_t readable)
{
	struct dp_headers headers;
	uint8_t *copy = copy_of(frame, readable);
	bool partial = dp_checksum_make_partial(copy, readable, length, &headers);
	must(oracle_is_partial(frame, copy, readable, partial ? &headers : NULL), "more than the checksum was written");
	if (partial && readable == length && oracle_l4_checksum_is_right(frame, length, &headers)) {
		uint32_t end = oracle_ip_end(frame, &headers);
		uint16_t field = headers.protocol == 6 ? 16 : 6;
		must(dp_checksum_complete(copy, end, (uint16_t)headers.l4_offset, field) &&
			     oracle_l4_checksum_is_right(copy, length, &headers),
		     "the kernel would complete it wrongly");
		reached.verified++;
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < LEAST_INPUT || size - LEAST_INPUT > MAX_FRAME)
		return -1;
	struct virtio_net_hdr header;
	memcpy(&header, data, sizeof(header));
	const uint8_t *steering = data + sizeof(header), *frame = data + LEAST_INPUT;
	uint32_t length = (uint32_t)(size - LEAST_INPUT);
	uint32_t readable = steering[0] == 0 || steering[0] > length ? length : steering[0];
	reached.inputs++;
	classify(frame, length, (uint64_t)steering[1] << 8 | steering[0]);
	forward(frame, length, steering[0]);
	restore_tags(frame, length);
	add_to_burst(frame, length);
	take_from_tap(frame, length, &header);
	merge_burst();
	give_as_verified(frame, length, readable);
	return 0;
}

static void
print_reached(void)
{
	printf("# %lu inputs: echoed %lu, tags restored %lu, checksums completed %lu, frames cut %lu into %lu, refused %lu, "
	       "verified %lu, merged %lu\n",
	       reached.inputs, reached.echoed, reached.tagged, reached.completed, reached.cut, reached.pieces,
	       reached.refused, reached.verified, reached.merged);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	struct dp_error error = {0};
	if (dp_bench_init(&bench, rules, N_RULES, &error) < 0) {
		fprintf(stderr, "frame_fuzz: %s %s: %s\n", error.call, error.subject, error.message);
		return 1;
	}
	if (getenv("FUZZ_STATS") != NULL)
		atexit(print_reached);
	return 0;
}
