/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exception path: what lcores punt goes to a port's tap, what the kernel sends through the tap is injected into
 * the port. One thread per exception queue; thread t owns queue t of every exception port, alone.
 */
#ifndef DP_EXCEPTION_H
#define DP_EXCEPTION_H

#include <pthread.h>
#include <stdatomic.h>

#include "counters.h"
#include "dataplane.h"
#include "lcore.h"
#include "limiter.h"
#include "offload.h"
#include "port.h"

struct rte_mbuf;
struct rte_ring;

/* Packets of one class that are handed on together. */
#define DP_PUNT_BURST 64

/* One queue of an exception port, as its thread sees it. */
struct dp_exception_queue {
	const struct dp_port *port;
	const struct dp_backend_ops *ops;
	int fd;			      /* backend tap: this queue of the tap ... */
	struct dp_tap_queue *tap;     /* ... and what it is read and written with */
	int wake_fd;		      /* readable when the kernel has sent something, see arm(); -1: nothing tells */
	uint16_t virtio_port_id;      /* backends vhost-net and vhost-user: the virtio-user port ... */
	uint16_t virtio_queue_id;     /* ... and its queue */
	struct dp_vhost_queue *vhost; /* what backend vhost-net writes it with */
	_Atomic bool *tap_up;	      /* control: write, thread: read */
	/*
	 * Backend vhost-user: whether the virtio-user port is there, with a neighbour; NULL elsewhere. Control: write,
	 * and it changes `wake_fd` and `virtio_port_id` only while this is false; thread: read before those.
	 */
	const _Atomic bool *neighbour_up;
	struct dp_flow_row *row; /* thread: write */
	struct dp_latency_row *latency;
	const struct dp_capture_hook *capture; /* the thread's */
	struct rte_ring *inject;	       /* to the lcore that transmits; NULL: on the port's spare queue */
	bool broken;			       /* see dp_inject_transmit() */
};

/* How a backend moves frames. Called on the exception thread only. */
struct dp_backend_ops {
	/* Sends `n` packets of one class to the kernel: frees all, counts each as punted or dropped. */
	void (*punt)(struct dp_exception_queue *queue, enum dp_class klass, struct rte_mbuf **pkts, uint16_t n);
	/* Takes up to `budget` frames from the kernel and injects them; returns how many. `scratch` is the thread's. */
	unsigned (*receive)(struct dp_exception_queue *queue, unsigned budget, struct dp_scratch *scratch);
	/*
	 * Makes frames that come from now on tell by `wake_fd`, or stops that; those that lie there already do not.
	 * NULL: `wake_fd` always tells.
	 */
	void (*arm)(struct dp_exception_queue *queue, bool on);
	/* `wake_fd` was readable: makes it wait for the next frame. NULL: receive() does. */
	void (*woken)(struct dp_exception_queue *queue);
};

/* True but while a neighbour is missing. */
static inline bool
dp_exception_neighbour_up(const struct dp_exception_queue *queue)
{
	return queue->neighbour_up == NULL || atomic_load_explicit(queue->neighbour_up, memory_order_acquire);
}

extern const struct dp_backend_ops dp_tap_ops;
extern const struct dp_backend_ops dp_vhost_net_ops;
extern const struct dp_backend_ops dp_vhost_user_ops;

struct dp_exception_thread {
	_Atomic enum dp_phase phase;   /* control: write, thread: read */
	const _Atomic uint64_t *epoch; /* see struct dp_lcore */
	_Atomic uint64_t seen_epoch;
	pthread_t pthread;
	bool running; /* control */
	unsigned index;
	unsigned n_lcores;
	struct rte_ring *rings[DP_MAX_LCORES][DP_CLASS_COUNT]; /* lcore: enqueue, thread: dequeue */
	unsigned first_lcore[DP_CLASS_COUNT]; /* thread: whose ring the class's next burst begins with */
	unsigned n_queues;
	struct dp_exception_queue queues[DP_MAX_PORTS];
	struct dp_exception_queue *queue_of_port[RTE_MAX_ETHPORTS]; /* by ethdev port id */
	struct dp_limiter *limiter;				    /* this thread's side of the total limit */
	struct dp_capture_hook capture;
	bool armed; /* thread: the queues tell of frames */
	struct dp_thread_row *row;
	struct dp_scratch *scratch;
};

/*
 * Opens queue `index` of `port`'s tap. `mac` is written to the tap when it differs: frames for the port's address
 * are frames for the tap's. 0, or -1 with *error.
 */
int dp_tap_open(struct dp_exception_queue *queue, struct dp_error *error);
void dp_tap_close(struct dp_exception_queue *queue);
/* Whether virtio-user has so many queues. 0, or -1 with *error. */
int dp_virtio_check_queues(const struct dp_exception_plan *plan, struct dp_error *error);
/*
 * Creates the port's virtio-user port with all its queues and starts it. With backend vhost-user and `server` it
 * returns when a neighbour has connected. 0, or -1 with *error.
 */
int dp_virtio_open(const struct dp_port *port, uint16_t *virtio_port_id, struct dp_error *error);
void dp_virtio_close(const struct dp_port *port, uint16_t virtio_port_id);
/* Makes `queue` that queue of the virtio-user port. */
void dp_virtio_attach(struct dp_exception_queue *queue, uint16_t virtio_port_id, uint16_t queue_id);
/* What a queue of backend vhost-net needs besides. 0, or -1 with *error. */
int dp_vhost_queue_open(struct dp_exception_queue *queue, struct dp_error *error);
void dp_vhost_queue_close(struct dp_exception_queue *queue);

/*
 * Takes one burst of the most important class that has packets off the rings, beginning with another lcore's each time:
 * none can keep the others out. Returns how many; 0 when no ring has any. On the exception thread only.
 */
unsigned dp_exception_take(struct dp_exception_thread *thread, enum dp_class *klass,
			   struct rte_mbuf *pkts[DP_PUNT_BURST]);

/* Starts the thread. 0, or -1 with *error. */
int dp_exception_thread_start(struct dp_exception_thread *thread, struct dp_error *error);
/* Delivers what is still in the rings and joins the thread. Lcores must have stopped enqueueing. */
void dp_exception_thread_stop(struct dp_exception_thread *thread);

/* Counts `n` packets that the kernel took, by their lengths: the packets may be freed already. */
void dp_exception_count_punted(struct dp_exception_queue *queue, enum dp_class klass, const uint32_t *lengths,
			       uint16_t n);
/* Shows packets to whoever captures drops of this reason; counting and freeing them is the caller's. */
void dp_exception_capture_drop(const struct dp_exception_queue *queue, enum dp_drop_reason reason,
			       struct rte_mbuf *const *pkts, unsigned n);
/* Frees packets that did not get to the kernel, counted by their reason. */
void dp_exception_drop(struct dp_exception_queue *queue, enum dp_drop_reason reason, struct rte_mbuf **pkts,
		       unsigned n);
/* A frame of the kernel's, in linear memory, that did not get to the wire: counts and shows it. */
void dp_exception_drop_frame(struct dp_exception_queue *queue, enum dp_drop_reason reason, uint8_t *frame,
			     uint32_t length);
/* Counts a frame that the kernel sent. */
void dp_exception_count_frame(struct dp_exception_queue *queue, uint32_t bytes);

/* Kernel -> wire, for the backends: a whole frame in linear memory, finished as `offload` asks, into the port. */
void dp_exception_inject(struct dp_exception_queue *queue, uint8_t *frame, uint32_t length,
			 const struct dp_offload *offload, struct dp_scratch *scratch);
/* The same for a frame that needs no work and lies in an mbuf; takes the mbuf. */
void dp_exception_inject_mbuf(struct dp_exception_queue *queue, struct rte_mbuf *m);
/* Whether the way to the wire can take another frame of the largest size; if not it stays with the kernel. */
bool dp_exception_can_inject(const struct dp_exception_queue *queue);

#endif
