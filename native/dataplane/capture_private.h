/* SPDX-License-Identifier: Apache-2.0 */
/* A capture, as its own files see it. */
#ifndef DP_CAPTURE_PRIVATE_H
#define DP_CAPTURE_PRIVATE_H

#include <pthread.h>

#include "capture.h"
#include "limiter.h"

struct rte_ring;
struct rte_mempool;

/* Of one lcore or exception thread, which writes all but the ring's other end. */
struct dp_capture_producer {
	struct rte_ring *ring; /* producer: enqueue, writer: dequeue */
	uint32_t until_sample; /* packets to pass over before the next that is looked at */
	struct dp_limiter limit;
	dp_slot_t passed, skipped, matched, missed, cycles;
};

#define DP_NO_INTERFACE UINT8_MAX

struct dp_capture {
	/* Control fills these before it is published; producers and writer: read. */
	struct dp_classifier *filter; /* rule 0 is wanted; NULL: all are */
	uint32_t points;
	uint64_t reasons;
	uint8_t interfaces[RTE_MAX_ETHPORTS]; /* by port id, the number in the file; DP_NO_INTERFACE: not captured */
	unsigned n_interfaces;
	const char *names[DP_MAX_PORTS]; /* of the interfaces */
	uint32_t sample;
	uint32_t snaplen;
	struct rte_mempool *mempool;
	unsigned n_producers;
	struct dp_capture_producer *producers[DP_MAX_LCORES + DP_MAX_EXCEPTION_THREADS];

	/* The writer's. */
	pthread_t writer;
	bool writing;	/* control */
	int fd;		/* the writer closes it */
	int hang_up_fd; /* the same socket, control's */
	uint64_t count;
	int64_t until_ms; /* 0: no end */
	uint64_t written;
	int errnum;
	_Atomic bool stop;  /* control: write, writer: read */
	_Atomic bool ended; /* writer: write last, control: read */
};

/* Connects to the plan's socket and starts the thread that writes. 0, or -1 with *error. */
int dp_capture_writer_start(struct dp_capture *capture, const struct dp_capture_plan *plan, struct dp_error *error);
/* Lets it write what is in the rings, as long as `patience_ms`, and joins it. */
void dp_capture_writer_stop(struct dp_capture *capture, unsigned patience_ms);

#endif
