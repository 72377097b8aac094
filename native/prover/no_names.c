/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the place of libpcap's own function in this program: a rule list holds addresses, not names of hosts. A
 * resolver may answer otherwise when the worker compiles the list than it did when the list was proved, or not at all
 * for seconds.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <pcap/pcap.h>

#include <pcap/namedb.h> /* needs what is above */

struct addrinfo *
pcap_nametoaddrinfo(const char *name)
{
	/* As libpcap asks, but for the flag. */
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST,
				       .ai_family = PF_UNSPEC,
				       .ai_socktype = SOCK_STREAM,
				       .ai_protocol = IPPROTO_TCP};
	struct addrinfo *addresses;
	return getaddrinfo(name, NULL, &hints, &addresses) == 0 ? addresses : NULL;
}
