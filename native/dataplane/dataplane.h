/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the binding, the C programs and the tests may call. Plain C that C++17 can read: no rte_*.h,
 * no _Atomic. All functions but dp_log_install() and dp_compile_rules() run on one thread, the control thread, which
 * becomes EAL's main lcore. An EAL can be started once per process, so this is a set of functions and not an object.
 */
#ifndef DP_DATAPLANE_H
#define DP_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DP_NAME_LEN 64
#define DP_MAX_PORTS 16
#define DP_MAX_LCORES 64
#define DP_MAX_EXCEPTION_THREADS 16
#define DP_MAX_BURST 256
#define DP_MAX_EAL_ARGS 64
#define DP_MAX_RULES 512
#define DP_ADDRESS_LEN 46
/* The largest id of a CPU that Linux can be built for. */
#define DP_MAX_CPU_ID 8191
#define DP_MAX_VHOST_CPUS 512
#define DP_CPU_LIST_LEN 64
#define DP_VLAN_IDS 4096
/* Further addresses of a tap, of macvlan children and the like; more are not looked at. At most 64. */
#define DP_MAX_UNICAST 64
/* Of what a port refused, so many are named. */
#define DP_MAX_SHOWN 8

enum dp_mode { DP_MODE_IO, DP_MODE_MAC, DP_MODE_MACSWAP, DP_MODE_RXONLY, DP_MODE_TXONLY, DP_MODE_ICMPECHO };
enum dp_backend { DP_BACKEND_NONE, DP_BACKEND_TAP, DP_BACKEND_VHOST_NET, DP_BACKEND_VHOST_USER };
enum dp_verdict { DP_VERDICT_FORWARD, DP_VERDICT_KERNEL, DP_VERDICT_DROP };
/* Classes of the exception path, most important first. */
enum dp_class { DP_CLASS_CONTROL, DP_CLASS_LOCAL, DP_CLASS_OTHER, DP_CLASS_COUNT };

/* What failed: errno, the call, what it was about, and what more there is to say. */
struct dp_error {
	int errnum;
	const char *call; /* a string constant */
	char subject[DP_NAME_LEN];
	char message[256];
};

/* Token bucket; pps 0 means no limit. */
struct dp_limit {
	uint64_t pps;
	uint64_t burst;
};

/* A set of VLAN ids. */
struct dp_vlans {
	uint64_t bits[DP_VLAN_IDS / 64];
};

struct dp_exception_plan {
	enum dp_backend backend;
	char tap[16]; /* backends tap and vhost-net */
	uint16_t queues;
	uint16_t queue_size; /* descriptors of a virtio queue */
	char socket[108];    /* backend vhost-user: where the neighbour is met ... */
	bool server;	     /* ... which connects to us, or we to it */
};

struct dp_port_plan {
	char name[DP_NAME_LEN];
	char devargs[512];
	uint16_t queues; /* 0: as many as lcores and device allow */
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	uint16_t mtu;	       /* 0: the device's own */
	bool follow_mtu;       /* `mtu` is a wish, and a longer one of the tap is followed */
	struct dp_vlans vlans; /* to let in besides those of the tap's children */
	bool tap_offloads;     /* TCP passes to and from the kernel in pieces of up to 64 KiB */
	bool tso;	       /* the device may cut TCP of the kernel, if it can */
	bool rx_checksum;      /* the device is to check what it receives, if it can */
	uint16_t peer;
	bool has_eth_peer;
	uint8_t eth_peer[6];
	struct dp_exception_plan exception;
};

/* Where the kernel's vhost workers run, as far as they are threads of ours. */
struct dp_vhost_plan {
	unsigned n_cpus; /* 0: where they start */
	uint16_t cpus[DP_MAX_VHOST_CPUS];
	bool pin_each; /* one CPU each, in turn: the scheduler does not move threads here */
};

struct dp_plan {
	unsigned n_eal_args;
	char **eal_args; /* without the program's name; the texts stay for the process's life */
	unsigned n_lcores;
	unsigned lcore_ids[DP_MAX_LCORES];
	bool sleep_when_idle;
	uint16_t burst;
	unsigned mbufs; /* per NUMA node */
	unsigned mbuf_cache;
	uint16_t data_room;
	const uint8_t *prefill; /* frame written into every mbuf, or NULL */
	uint16_t prefill_len;
	enum dp_mode mode;
	unsigned n_ports;
	struct dp_port_plan ports[DP_MAX_PORTS];
	struct dp_limit exception_limit;
	struct dp_vhost_plan vhost;
};

/* One rule: matches when any of its pcap-filter(7) expressions does; with none it matches everything. */
struct dp_rule {
	const char *name;
	const char *const *match;
	unsigned n_match;
	enum dp_verdict verdict;
	enum dp_class klass;
	struct dp_limit limit;
};

/* A thread of the kernel in this process that serves a queue of vhost-net. */
struct dp_vhost_worker_info {
	int tid;
	char name[16];
	char cpus[DP_CPU_LIST_LEN]; /* where the kernel lets it run: "0,2-5" */
	int place_errnum;	    /* why that is not what the plan says; 0: it is */
};

struct dp_port_info {
	char name[DP_NAME_LEN];
	char device[DP_NAME_LEN];
	char driver[DP_NAME_LEN];
	uint8_t mac[6];
	uint16_t mtu;
	int numa_node;
	uint16_t rx_queues;
	uint16_t tx_queues;
	bool link_up;
	bool tso; /* wanted, and the device can */
	bool rx_checksum;
	enum dp_backend backend;
	char tap[16];
	uint16_t exception_queues;
	unsigned n_vhost_workers;					     /* 0: none is a thread of ours */
	struct dp_vhost_worker_info vhost_workers[DP_MAX_EXCEPTION_THREADS]; /* by queue */
};

struct dp_lcore_info {
	unsigned lcore_id;
	int cpu_id;
	uint64_t rx_ports; /* bit p: polls a receive queue of port p */
	uint16_t queue_id; /* that queue's number, the same on each port */
};

struct dp_info {
	uint64_t tsc_hz;
	unsigned n_ports;
	struct dp_port_info ports[DP_MAX_PORTS];
	unsigned n_lcores;
	struct dp_lcore_info lcores[DP_MAX_LCORES];
};

/* One 64-bit slot of the counter file. Labels are "key=value" pairs joined by ','. */
struct dp_slot {
	const char *name;
	char labels[128];
	uint32_t index;
	bool gauge;
};

struct dp_layout {
	uint32_t generation;
	unsigned n_slots;
	const struct dp_slot *slots; /* valid until the next swap or stop */
};

/* The addresses that belong to one port's tap and its VLAN and macvlan children. */
struct dp_addresses {
	unsigned port;
	char tap[16];
	unsigned n;
	char (*text)[DP_ADDRESS_LEN];
};

/* What a port was told to let in for its tap, and what of it it did not take. errnums are 0 where nothing was refused.
 */
struct dp_filters {
	unsigned groups;
	bool all_multicast; /* instead of the list of groups */
	int groups_errnum;
	unsigned vlans, vlans_refused;
	uint16_t refused_vlans[DP_MAX_SHOWN]; /* the first ones */
	int vlans_errnum;
	unsigned unicast, unicast_refused;
	uint8_t refused_unicast[DP_MAX_SHOWN][6]; /* the first ones */
	int unicast_errnum;
};

/* What keeps a port from the MTU of its tap. */
enum dp_mtu_limit {
	DP_MTU_FREE,	/* nothing */
	DP_MTU_PLAN,	/* the plan says another */
	DP_MTU_DEVICE,	/* longer than the device's driver can */
	DP_MTU_MBUF,	/* a frame would not fit into an mbuf of this start */
	DP_MTU_REFUSED, /* the device, or its PF, said no: errnum */
};

struct dp_mtu {
	uint16_t port;
	uint32_t tap;
	enum dp_mtu_limit limit;
	uint32_t most; /* with DP_MTU_DEVICE and DP_MTU_MBUF: how much it can be */
	int errnum;
};

/* Where on their way packets are captured. */
enum dp_capture_point {
	DP_CAPTURE_RECEIVED,  /* as an lcore took them from the port */
	DP_CAPTURE_FORWARDED, /* as they are handed to the port that they leave by, or to the lcore that owns its queue
			       */
	DP_CAPTURE_PUNTED,    /* as they are handed to the kernel */
	DP_CAPTURE_INJECTED,  /* as the kernel's frames are handed to the port, checksums finished and segments cut */
	DP_CAPTURE_DROPPED,
	DP_CAPTURE_POINTS
};

/* A copy lies in one mbuf, whose length has 16 bits. */
#define DP_CAPTURE_MAX_SNAPLEN 16384

struct dp_capture_plan {
	uint32_t points;      /* bit enum dp_capture_point */
	uint64_t reasons;     /* at DP_CAPTURE_DROPPED: bit of the reason, in the order of dp_drop_reasons() */
	uint32_t ports;	      /* bit of the port's number */
	uint32_t snaplen;     /* bytes of a packet that are copied at most */
	uint32_t sample;      /* one packet in so many; at least 1 */
	uint64_t pps;	      /* at most so many a second from each lcore and exception thread; 0: no limit */
	uint64_t count;	      /* ends after so many; 0: does not */
	uint64_t duration_ms; /* ends after so long; 0: does not */
	char socket[108];     /* somebody listens on this unix socket */
};

/* What came of a capture. All but `written` is counted where packets pass. */
struct dp_capture_result {
	uint64_t passed;  /* packets that came by the points, at the ports */
	uint64_t skipped; /* of these, left out by sample or limit, without a look by the filter */
	uint64_t matched; /* of the others, the filter wanted */
	uint64_t missed;  /* of these, there was no room for the copy */
	uint64_t written;
	uint64_t cycles; /* TSC cycles that all of it took from lcores and exception threads */
	int errnum;	 /* of the write that failed; EPIPE: whoever listened went away */
};

/* The reasons to drop, in the order of their bits. */
const char *const *dp_drop_reasons(unsigned *n);

/* State changes, told on the control thread from within dp_service(). */
struct dp_events {
	void *context;
	void (*link)(void *context, unsigned port, bool up, uint32_t speed_mbps);
	void (*addresses)(void *context);
	/* The device was taken away: its port is closed, and opened again when the device is back. */
	void (*removed)(void *context, unsigned port);
	void (*returned)(void *context, unsigned port);
	/* The device was reset from outside, and the port is back; with `error`, it is not: only a new start helps. */
	void (*reset)(void *context, unsigned port, const struct dp_error *error);
	/* The port was told what the tap listens to. */
	void (*filters)(void *context, unsigned port, const struct dp_filters *filters);
	/* The MTU of the port or of its tap changed, or is known now. */
	void (*mtu)(void *context, unsigned port, const struct dp_mtu *mtu);
	/* The port's tap was deleted and made again: only a new start attaches to the new one. */
	void (*tap_replaced)(void *context, unsigned port);
	/* The capture has ended. */
	void (*capture_ended)(void *context, const struct dp_capture_result *result);
	/* Backend vhost-user: the neighbour has come; or, with `why`, it is not there, and is waited for. */
	void (*neighbour)(void *context, unsigned port, const struct dp_error *why);
};

const char *dp_version(void);

/*
 * Sends EAL's log lines to descriptor 2 as "@dpdk LEVEL TEXT", one line a write, and a fatal signal's name and
 * backtrace as "@crash TEXT". Call it once, before dp_start().
 */
void dp_log_install(void);

/*
 * Starts EAL, ports, exception threads and lcores. `counters` is a descriptor of a file whose size the caller
 * has set; it is mapped and may be closed afterwards. Lcores poll nothing before the first dp_swap_rules().
 * Returns 0, or -1 with *error filled and everything released that can be.
 */
int dp_start(const struct dp_plan *plan, int counters, const struct dp_events *events, struct dp_error *error);

/* What dp_start() made. */
void dp_get_info(struct dp_info *info);
struct dp_layout dp_get_layout(void);
/* The addresses in force; the array is dp_start()'s ports with an exception path, `*n` of them. */
const struct dp_addresses *dp_get_addresses(unsigned *n);

/*
 * Compiles `rules`, of which the last one must match everything. It may take seconds and touches nothing of the data
 * plane: any thread may call it. *classifier is for dp_swap_rules(); NULL when there is nothing to classify by.
 */
struct dp_classifier;
int dp_compile_rules(const struct dp_rule *rules, unsigned n, struct dp_classifier **classifier,
		     struct dp_error *error);

/*
 * Puts `rules` in force on every lcore, with what dp_compile_rules() made of them, and returns when no lcore reads the
 * old list any more. On error the old list stays. Takes `classifier` in any case.
 */
int dp_swap_rules(const struct dp_rule *rules, unsigned n, struct dp_classifier *classifier, struct dp_error *error);

/*
 * Begins a capture of the packets that `filter` matches: a compiled list of one rule and the default; NULL for all. One
 * at a time; EBUSY when there is one. Takes `filter` in any case. It ends by itself, or by dp_capture_stop(), and then
 * capture_ended() is told.
 */
int dp_capture_start(const struct dp_capture_plan *plan, struct dp_classifier *filter, struct dp_error *error);
void dp_capture_stop(void);

/*
 * One turn of the control thread: waits until `wake_fd` is readable, something happened in the network
 * namespace, or it is time to refresh port rows; then does what there is to do. Returns after each turn.
 */
void dp_service(int wake_fd);

/* An lcore stands still, or a neighbour that hangs holds the driver: nothing was freed, and the process can only exit.
 */
#define DP_STOP_STUCK UINT32_MAX

/*
 * Drains and stops lcores, exception threads, ports and EAL, in this order. Returns the mbufs that did not come back,
 * or DP_STOP_STUCK. After a failed dp_start(), or a second time, there is nothing to do and nothing missing.
 */
unsigned dp_stop(void);

#ifdef __cplusplus
}
#endif

#endif
