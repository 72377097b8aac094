/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DP_FILTER_VET_H
#define DP_FILTER_VET_H

#include <pcap/pcap.h>

/*
 * Goes before the rules in the fast program: returns 0 for frames whose headers are certainly whole and plain, so
 * that filter_headers.c need not see them, and 1 for all others. What it finds out (no IPv4 options, hence where the
 * ports are; the protocol) is known to every rule after it.
 */
struct bpf_program dp_filter_vet_program(void);

#endif
