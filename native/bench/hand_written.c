/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-ins, `local` and the five rules as one would write them in C, for this list and no other: a burst at a
 * time, plain IPv4 looked at here, all else left to the fused program.
 */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "bench.h"

enum { BGP, SYSLOG, PING, SSH, LOCAL = 9, DEFAULT };

static void *
open_hand_written(const struct bench_list *list, enum bench_list_kind kind)
{
	return kind == BENCH_BUILTINS ? bench_fused.open(list, kind) : NULL;
}

static inline uint16_t
load16(const uint8_t *at)
{
	rte_be16_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint32_t
load32(const uint8_t *at)
{
	rte_be32_t value;
	memcpy(&value, at, sizeof(value));
	return value;
}

static inline bool
has_port(const uint8_t *frame, uint16_t port)
{
	return load16(frame + 34) == rte_cpu_to_be_16(port) || load16(frame + 36) == rte_cpu_to_be_16(port);
}

static inline bool
has_host(const uint8_t *frame, uint32_t host)
{
	return load32(frame + 26) == rte_cpu_to_be_32(host) || load32(frame + 30) == rte_cpu_to_be_32(host);
}

static inline bool
is_plain(const struct rte_mbuf *pkt, const uint8_t *frame)
{
	return rte_pktmbuf_data_len(pkt) >= 42 && load16(frame + 12) == RTE_BE16(0x0800) && frame[14] == 0x45 &&
	       (load16(frame + 20) & RTE_BE16(0x1fff)) == 0;
}

static inline uint16_t
classify_plain(const uint8_t *frame)
{
	uint8_t protocol = frame[23];
	if (protocol == 17 && has_port(frame, 514))
		return SYSLOG;
	if (protocol == 6 && has_port(frame, 179))
		return BGP;
	if (protocol == 1)
		return PING;
	if (protocol == 6 && has_port(frame, 22) && has_host(frame, 0x0a010203))
		return SSH;
	return load32(frame + 30) == RTE_BE32(0x0a630001) ? LOCAL : DEFAULT;
}

static void
classify_by_hand(void *state, struct rte_mbuf **pkts, uint16_t *index)
{
	for (unsigned i = 0; i < BENCH_BURST; i++) {
		const uint8_t *frame = rte_pktmbuf_mtod(pkts[i], const uint8_t *);
		if (is_plain(pkts[i], frame))
			index[i] = classify_plain(frame);
		else
			dp_classify_burst(state, &pkts[i], 1, &index[i]);
	}
}

static void
close_hand_written(void *state)
{
	bench_fused.close(state);
}

const struct bench_way bench_hand_written = {"hand-written C", true, open_hand_written, classify_by_hand,
					     close_hand_written};
