/* SPDX-License-Identifier: Apache-2.0 */
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES 65536
/* Deeper stacks of VLANs and macvlans on a tap than this are not followed. */
#define MAX_DEPTH 8

typedef void (*on_message)(const struct nlmsghdr *message, void *context);

static int
open_socket(uint32_t groups)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

/* Hands each message of the answer to `handle`; returns 0 at its end, or -errno. */
static int
read_answer(int fd, on_message handle, void *context)
{
	char *buffer = malloc(BUFFER_BYTES);
	if (buffer == NULL)
		return -ENOMEM;
	int rc = 1;
	bool interrupted = false;
	while (rc > 0) {
		ssize_t n = recv(fd, buffer, BUFFER_BYTES, 0);
		if (n < 0) {
			rc = -errno;
			break;
		}
		unsigned left = (unsigned)n;
		for (struct nlmsghdr *m = (struct nlmsghdr *)buffer; rc > 0 && NLMSG_OK(m, left);
		     m = NLMSG_NEXT(m, left)) {
			interrupted |= (m->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (m->nlmsg_type == NLMSG_DONE) {
				rc = 0;
			} else if (m->nlmsg_type == NLMSG_ERROR) {
				rc = ((struct nlmsgerr *)NLMSG_DATA(m))->error;
			} else {
				handle(m, context);
				if ((m->nlmsg_flags & NLM_F_MULTI) == 0)
					rc = 0;
			}
		}
	}
	free(buffer);
	/* The tables changed while they were told: some of it may be missing. */
	return rc == 0 && interrupted ? -EAGAIN : rc;
}

static int
query(const struct nlmsghdr *request, on_message handle, void *context)
{
	int fd = open_socket(0);
	if (fd < 0)
		return fd;
	/* The kernel answers within send(): the socket never has to be waited for. */
	int rc = send(fd, request, request->nlmsg_len, 0) < 0 ? -errno : read_answer(fd, handle, context);
	close(fd);
	return rc;
}

static const struct rtattr *
find_attribute(const struct rtattr *first, unsigned length, unsigned short type)
{
	for (const struct rtattr *a = first; RTA_OK(a, length); a = RTA_NEXT(a, length))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

static uint32_t
attribute_u32(const struct rtattr *a, uint32_t otherwise)
{
	uint32_t value = otherwise;
	if (a != NULL && RTA_PAYLOAD(a) >= sizeof(value))
		memcpy(&value, RTA_DATA(a), sizeof(value));
	return value;
}

static uint8_t
attribute_u8(const struct rtattr *a)
{
	return a != NULL && RTA_PAYLOAD(a) >= 1 ? *(const uint8_t *)RTA_DATA(a) : 0;
}

static bool
is_kind(const struct rtattr *info, const char *kind)
{
	if (info == NULL)
		return false;
	const struct rtattr *a = find_attribute(RTA_DATA(info), RTA_PAYLOAD(info), IFLA_INFO_KIND);
	return a != NULL && strncmp(RTA_DATA(a), kind, RTA_PAYLOAD(a)) == 0;
}

static void
read_tun(const struct rtattr *info, struct dp_link *link)
{
	const struct rtattr *data = find_attribute(RTA_DATA(info), RTA_PAYLOAD(info), IFLA_INFO_DATA);
	if (data == NULL)
		return;
	const struct rtattr *first = RTA_DATA(data);
	unsigned length = RTA_PAYLOAD(data);
	const struct rtattr *owner = find_attribute(first, length, IFLA_TUN_OWNER);
	const struct rtattr *group = find_attribute(first, length, IFLA_TUN_GROUP);
	link->is_tap = attribute_u8(find_attribute(first, length, IFLA_TUN_TYPE)) == IFF_TAP;
	link->multi_queue = attribute_u8(find_attribute(first, length, IFLA_TUN_MULTI_QUEUE)) != 0;
	link->has_owner = owner != NULL;
	link->owner = attribute_u32(owner, 0);
	link->has_group = group != NULL;
	link->group = attribute_u32(group, 0);
}

static void
read_link(const struct nlmsghdr *message, void *context)
{
	struct dp_link *link = context;
	if (message->nlmsg_type != RTM_NEWLINK)
		return;
	const struct ifinfomsg *info = NLMSG_DATA(message);
	const struct rtattr *first = IFLA_RTA(info);
	unsigned length = IFLA_PAYLOAD(message);
	link->index = info->ifi_index;
	link->up = (info->ifi_flags & IFF_UP) != 0;
	link->carrier = attribute_u8(find_attribute(first, length, IFLA_CARRIER)) != 0;
	link->mtu = attribute_u32(find_attribute(first, length, IFLA_MTU), 0);
	const struct rtattr *mac = find_attribute(first, length, IFLA_ADDRESS);
	if (mac != NULL && RTA_PAYLOAD(mac) == sizeof(link->mac))
		memcpy(link->mac, RTA_DATA(mac), sizeof(link->mac));
	const struct rtattr *kind = find_attribute(first, length, IFLA_LINKINFO);
	if (is_kind(kind, "tun"))
		read_tun(kind, link);
	const struct rtattr *stats = find_attribute(first, length, IFLA_STATS64);
	struct rtnl_link_stats64 s = {0};
	if (stats != NULL)
		memcpy(&s, RTA_DATA(stats), RTA_PAYLOAD(stats) < sizeof(s) ? RTA_PAYLOAD(stats) : sizeof(s));
	link->rx_packets = s.rx_packets;
	link->rx_bytes = s.rx_bytes;
	link->rx_dropped = s.rx_dropped;
	link->tx_packets = s.tx_packets;
	link->tx_bytes = s.tx_bytes;
	link->tx_dropped = s.tx_dropped;
}

int
dp_netlink_link(const char *name, struct dp_link *link)
{
	memset(link, 0, sizeof(*link));
	int index = (int)if_nametoindex(name);
	if (index == 0)
		return -ENODEV;
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = {.nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST},
		.info = {.ifi_index = index},
	};
	return query(&request.header, read_link, link);
}

/* Which links belong to the tap: grows while links are found that stand on one of them. */
struct family {
	int indices[256]; /* the tap is the first */
	unsigned n;
	unsigned before;
	struct dp_vlans *vlans;
};

static bool
is_member(const struct family *family, int index)
{
	for (unsigned i = 0; i < family->n; i++)
		if (family->indices[i] == index)
			return true;
	return false;
}

/* A VLAN on the tap itself; deeper ones are inside its tag. */
static void
note_vlan(const struct family *family, const struct rtattr *kind, uint32_t parent)
{
	const struct rtattr *data = find_attribute(RTA_DATA(kind), RTA_PAYLOAD(kind), IFLA_INFO_DATA);
	if (data == NULL || (int)parent != family->indices[0])
		return;
	const struct rtattr *a = find_attribute(RTA_DATA(data), RTA_PAYLOAD(data), IFLA_VLAN_ID);
	uint16_t id = 0;
	if (a != NULL && RTA_PAYLOAD(a) >= sizeof(id))
		memcpy(&id, RTA_DATA(a), sizeof(id));
	if (id < DP_VLAN_IDS)
		family->vlans->bits[id / 64] |= UINT64_C(1) << (id % 64);
}

static void
add_child(const struct nlmsghdr *message, void *context)
{
	struct family *family = context;
	if (message->nlmsg_type != RTM_NEWLINK)
		return;
	const struct ifinfomsg *info = NLMSG_DATA(message);
	const struct rtattr *first = IFLA_RTA(info);
	unsigned length = IFLA_PAYLOAD(message);
	const struct rtattr *kind = find_attribute(first, length, IFLA_LINKINFO);
	const struct rtattr *parent = find_attribute(first, length, IFLA_LINK);
	/* A parent in another namespace has an index of that namespace. */
	if (parent == NULL || find_attribute(first, length, IFLA_LINK_NETNSID) != NULL)
		return;
	if (is_kind(kind, "vlan"))
		note_vlan(family, kind, attribute_u32(parent, 0));
	if ((is_kind(kind, "vlan") || is_kind(kind, "macvlan")) && is_member(family, (int)attribute_u32(parent, 0)) &&
	    !is_member(family, info->ifi_index) && family->n < sizeof(family->indices) / sizeof(family->indices[0]))
		family->indices[family->n++] = info->ifi_index;
}

struct address_list {
	const struct family *family;
	char (*text)[DP_ADDRESS_LEN];
	unsigned n, capacity;
	bool failed;
};

static void
add_address(const struct nlmsghdr *message, void *context)
{
	struct address_list *list = context;
	if (message->nlmsg_type != RTM_NEWADDR)
		return;
	const struct ifaddrmsg *info = NLMSG_DATA(message);
	if (!is_member(list->family, (int)info->ifa_index) || list->failed)
		return;
	const struct rtattr *first = IFA_RTA(info);
	unsigned length = IFA_PAYLOAD(message);
	/* On a point-to-point address IFA_ADDRESS is the peer's. */
	const struct rtattr *a = find_attribute(first, length, IFA_LOCAL);
	if (a == NULL)
		a = find_attribute(first, length, IFA_ADDRESS);
	if (a == NULL || RTA_PAYLOAD(a) < (info->ifa_family == AF_INET ? 4u : 16u))
		return;
	if (list->n == list->capacity) {
		unsigned capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		void *text = realloc(list->text, capacity * sizeof(*list->text));
		if (text == NULL) {
			list->failed = true;
			return;
		}
		list->text = text;
		list->capacity = capacity;
	}
	/* Lists are compared as memory. */
	memset(list->text[list->n], 0, DP_ADDRESS_LEN);
	if (inet_ntop(info->ifa_family, RTA_DATA(a), list->text[list->n], DP_ADDRESS_LEN) != NULL)
		list->n++;
}

static int
compare_addresses(const void *a, const void *b)
{
	return strcmp(a, b);
}

int
dp_netlink_addresses(int index, char (**text)[DP_ADDRESS_LEN], unsigned *n, struct dp_vlans *vlans)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} links = {
		.header = {.nlmsg_len = sizeof(links),
			   .nlmsg_type = RTM_GETLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg info;
	} addresses = {
		.header = {.nlmsg_len = sizeof(addresses),
			   .nlmsg_type = RTM_GETADDR,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	struct family family = {.indices = {index}, .n = 1, .vlans = vlans};
	*vlans = (struct dp_vlans){0};
	for (int depth = 0; depth < MAX_DEPTH && family.before < family.n; depth++) {
		family.before = family.n;
		int rc = query(&links.header, add_child, &family);
		if (rc < 0)
			return rc;
	}
	struct address_list list = {.family = &family};
	int rc = query(&addresses.header, add_address, &list);
	if (rc == 0 && list.failed)
		rc = -ENOMEM;
	if (rc < 0) {
		free(list.text);
		return rc;
	}
	if (list.n > 0)
		qsort(list.text, list.n, sizeof(*list.text), compare_addresses);
	*text = list.text;
	*n = list.n;
	return 0;
}

struct unicast_list {
	int index;
	const uint8_t *own;
	uint8_t (*macs)[6];
	unsigned n, max;
};

static void
add_unicast(const struct nlmsghdr *message, void *context)
{
	struct unicast_list *list = context;
	if (message->nlmsg_type != RTM_NEWNEIGH)
		return;
	const struct ndmsg *info = NLMSG_DATA(message);
	if (info->ndm_ifindex != list->index || (info->ndm_flags & NTF_SELF) == 0)
		return;
	unsigned length = (unsigned)(message->nlmsg_len - NLMSG_LENGTH(sizeof(*info)));
	const struct rtattr *first = (const struct rtattr *)((const char *)info + NLMSG_ALIGN(sizeof(*info)));
	const struct rtattr *a = find_attribute(first, length, NDA_LLADDR);
	if (a == NULL || RTA_PAYLOAD(a) != 6)
		return;
	const uint8_t *mac = RTA_DATA(a);
	if ((mac[0] & 1) != 0 || memcmp(mac, list->own, 6) == 0)
		return;
	if (list->n < list->max)
		memcpy(list->macs[list->n], mac, 6);
	list->n++;
}

static int
compare_macs(const void *a, const void *b)
{
	return memcmp(a, b, 6);
}

int
dp_netlink_unicast(int index, const uint8_t own[6], uint8_t (*macs)[6], unsigned max)
{
	/* With a struct ndmsg the kernel would dump those of every link. */
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETNEIGH,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.info = {.ifi_family = AF_BRIDGE, .ifi_index = index},
	};
	struct unicast_list list = {.index = index, .own = own, .macs = macs, .max = max};
	int rc = query(&request.header, add_unicast, &list);
	if (rc < 0)
		return rc;
	qsort(macs, list.n < max ? list.n : max, sizeof(*macs), compare_macs);
	return (int)list.n;
}

int
dp_netlink_watch(void)
{
	return open_socket(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
}

bool
dp_netlink_drain(int fd)
{
	char buffer[8192];
	bool any = false;
	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_TRUNC);
		if (n < 0 && errno != ENOBUFS)
			return any; /* EAGAIN: empty */
		any = true;
	}
}
