/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include <stdbool.h>

int
dp_oracle_init(struct dp_oracle *oracle, const struct dp_rule_source *rules, unsigned n, struct dp_error *error)
{
	return dp_filter_source_compile(&oracle->source, rules, n, error);
}

void
dp_oracle_free(struct dp_oracle *oracle)
{
	dp_filter_source_free(&oracle->source);
}

/*
 * The rule about cut-off headers, said once more in another way than the data plane does: as the place where the
 * headers end, 64 bits wide, which must not lie beyond the frame.
 */
static uint64_t
ipv6_end(const uint8_t *frame, uint64_t length, uint64_t start)
{
	uint64_t end = start + 40;
	if (end > length)
		return end;
	unsigned type = frame[start + 6];
	for (int headers = 0; headers < 16; headers++) {
		bool counted_in_words = type == 51;
		bool fragment = type == 44;
		bool counted_in_eights =
			type == 0 || type == 43 || type == 60 || type == 135 || type == 139 || type == 140;
		if (!counted_in_words && !fragment && !counted_in_eights)
			break;
		if (end + 2 > length)
			return end + 2;
		uint64_t size = counted_in_words ? 4u * frame[end + 1] + 8 : fragment ? 8 : 8u * frame[end + 1] + 8;
		if (end + size > length)
			return end + size;
		if (fragment && (frame[end + 2] != 0 || frame[end + 3] >> 3 != 0))
			return end + size;
		type = frame[end];
		end += size;
	}
	return end;
}

static bool
is_truncated(const uint8_t *frame, uint64_t length)
{
	uint64_t at = 12;
	for (int tags = 0; tags < 9; tags++, at += 4) {
		if (at + 2 > length)
			return true;
		unsigned type = frame[at] << 8 | frame[at + 1];
		if (type == 0x800)
			return at + 22 > length || at + 2 + 4u * (frame[at + 2] % 16) > length;
		if (type == 0x86dd)
			return ipv6_end(frame, length, at + 2) > length;
		if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
			return false;
	}
	return false;
}

uint16_t
dp_oracle_answer(const struct dp_oracle *oracle, const uint8_t *frame, uint32_t length)
{
	if (is_truncated(frame, length))
		return DP_CLASSIFY_TRUNCATED;
	struct pcap_pkthdr header = {.caplen = length, .len = length};
	for (unsigned i = 0; i < oracle->source.n; i++) {
		const struct dp_filter_program *program = &oracle->source.programs[i];
		if (program->classic.bf_len == 0 || pcap_offline_filter(&program->classic, &header, frame) != 0)
			return (uint16_t)program->rule;
	}
	return DP_CLASSIFY_TRUNCATED - 2; /* no rule: cannot be, the last one takes everything */
}
