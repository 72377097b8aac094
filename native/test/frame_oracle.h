/* SPDX-License-Identifier: Apache-2.0 */
/* What must be true of frames that the data plane has written: a second reading of the RFCs, a byte at a time. */
#ifndef FRAME_ORACLE_H
#define FRAME_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "offload.h"

/* `reply` answers `frame`: an ARP or an ICMP echo request. */
bool oracle_is_reply(const uint8_t *frame, const uint8_t *reply, uint32_t length, const uint8_t own_mac[6]);
bool oracle_is_swapped(const uint8_t *frame, const uint8_t *swapped, uint32_t length, const uint8_t own_mac[6]);
/* How many tags a device could have taken off: one of 802.1Q, or one of 802.1ad and then one of 802.1Q. Outer first. */
unsigned oracle_strippable_tags(const uint8_t *frame, uint32_t length, uint16_t tci[2]);
bool oracle_is_completed(const uint8_t *frame, const uint8_t *completed, uint32_t length,
			 const struct dp_offload *offload);
/* The next piece, number `index`, whose payload begins `*offset` bytes into that of the frame; moves `*offset` on. */
bool oracle_is_piece(const struct dp_segmenter *of, const uint8_t *piece, uint32_t length, unsigned index,
		     uint32_t *offset);
/* With headers: only the checksum may differ. Without: nothing. */
bool oracle_is_partial(const uint8_t *frame, const uint8_t *partial, uint32_t length, const struct dp_headers *headers);
/* Where the IP packet ends. */
uint32_t oracle_ip_end(const uint8_t *frame, const struct dp_headers *headers);
bool oracle_l4_checksum_is_right(const uint8_t *frame, uint32_t length, const struct dp_headers *headers);

#endif
