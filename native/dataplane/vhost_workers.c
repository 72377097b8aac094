/* SPDX-License-Identifier: Apache-2.0 */
#include "vhost_workers.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "error.h"

#define TASKS "/proc/self/task"
#define COMM_SIZE 16

/* What the kernel calls them: vhost- and the owner's thread id, as the host counts. Those that have our names do not
 * fit. */
static bool
has_kernels_name(const char *tid)
{
	char path[64], comm[COMM_SIZE + 1];
	snprintf(path, sizeof(path), TASKS "/%.16s/comm", tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t length = read(fd, comm, sizeof(comm) - 1);
	close(fd);
	if (length < (ssize_t)sizeof("vhost-1\n") - 1 || memcmp(comm, "vhost-", 6) != 0)
		return false;
	for (ssize_t i = 6; i < length - 1; i++)
		if (!isdigit((unsigned char)comm[i]))
			return false;
	return true;
}

/* In the order in which the kernel made them: that of the thread list, and of the queues. */
static unsigned
list_new(pid_t *tids, unsigned room)
{
	DIR *folder = opendir(TASKS);
	if (folder == NULL)
		return 0;
	unsigned n = 0;
	for (struct dirent *entry; n < room && (entry = readdir(folder)) != NULL;)
		if (entry->d_name[0] != '.' && has_kernels_name(entry->d_name))
			tids[n++] = (pid_t)strtol(entry->d_name, NULL, 10);
	closedir(folder);
	return n;
}

/* The kernel lets a process name its own threads by this file. */
static void
give_name(const struct dp_vhost_worker *worker)
{
	char path[64];
	snprintf(path, sizeof(path), TASKS "/%d/comm", worker->tid);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t written = write(fd, worker->name, strlen(worker->name));
	(void)written; /* the name is for people */
	close(fd);
}

static int
place(pid_t tid, const struct dp_vhost_plan *plan, unsigned turn)
{
	cpu_set_t *set = CPU_ALLOC(DP_MAX_CPU_ID + 1);
	size_t size = CPU_ALLOC_SIZE(DP_MAX_CPU_ID + 1);
	if (set == NULL)
		return ENOMEM;
	CPU_ZERO_S(size, set);
	for (unsigned i = 0; i < plan->n_cpus; i++)
		if (!plan->pin_each || i == turn % plan->n_cpus)
			CPU_SET_S(plan->cpus[i], size, set);
	int errnum = sched_setaffinity(tid, size, set) < 0 ? errno : 0;
	CPU_FREE(set);
	return errnum;
}

static unsigned
last_of_range(const cpu_set_t *set, size_t size, unsigned first)
{
	unsigned last = first;
	while (last < DP_MAX_CPU_ID && CPU_ISSET_S(last + 1, size, set))
		last++;
	return last;
}

void
dp_vhost_worker_cpus(pid_t tid, char text[DP_CPU_LIST_LEN])
{
	cpu_set_t *set = CPU_ALLOC(DP_MAX_CPU_ID + 1);
	size_t size = CPU_ALLOC_SIZE(DP_MAX_CPU_ID + 1), at = 0;
	text[0] = '\0';
	if (set == NULL)
		return;
	CPU_ZERO_S(size, set);
	if (sched_getaffinity(tid, size, set) < 0)
		CPU_ZERO_S(size, set);
	for (unsigned first = 0; first <= DP_MAX_CPU_ID && at < DP_CPU_LIST_LEN; first++) {
		if (!CPU_ISSET_S(first, size, set))
			continue;
		unsigned last = last_of_range(set, size, first);
		const char *comma = at == 0 ? "" : ",";
		int length = last == first ? snprintf(text + at, DP_CPU_LIST_LEN - at, "%s%u", comma, first)
					   : snprintf(text + at, DP_CPU_LIST_LEN - at, "%s%u-%u", comma, first, last);
		at += (size_t)length;
		first = last;
	}
	CPU_FREE(set);
}

void
dp_vhost_worker_name(char name[DP_VHOST_WORKER_NAME], const char *port, unsigned position, unsigned queue)
{
	int length = snprintf(name, DP_VHOST_WORKER_NAME, "vhost-%s-%u", port, queue);
	if (length >= DP_VHOST_WORKER_NAME)
		snprintf(name, DP_VHOST_WORKER_NAME, "vhost-p%u-q%u", position, queue);
}

int
dp_vhost_workers_find(struct dp_vhost_workers *workers, const struct dp_port_plan *port, unsigned position,
		      const struct dp_vhost_plan *plan, unsigned placed, struct dp_error *error)
{
	pid_t tids[DP_MAX_EXCEPTION_THREADS];
	unsigned n = list_new(tids, DP_MAX_EXCEPTION_THREADS);
	if (n != port->exception.queues)
		return 0; /* the kernel's own, or shared in a way that nobody tells */
	for (unsigned q = 0; q < n; q++) {
		struct dp_vhost_worker *worker = &workers->of_queue[q];
		worker->tid = tids[q];
		dp_vhost_worker_name(worker->name, port->name, position, q);
		give_name(worker);
		worker->errnum = plan->n_cpus == 0 ? 0 : place(worker->tid, plan, placed + q);
		worker->row = dp_counters_add_vhost_worker(port->name, q);
		if (worker->row == NULL)
			return dp_fail(error, ENOSPC, "dp_counters_add_vhost_worker", "counter file", "too small");
	}
	workers->n = n;
	return 0;
}

/* The clock of a thread of this process, as pthread_getcpuclockid() makes it of a pthread_t: CPUCLOCK_PERTHREAD,
 * _SCHED. */
static clockid_t
cpu_clock(pid_t tid)
{
	return (clockid_t)(~(unsigned)tid << 3 | 6u);
}

void
dp_vhost_workers_refresh(const struct dp_vhost_workers *workers)
{
	for (unsigned q = 0; q < workers->n; q++) {
		struct timespec used;
		/* A worker that is gone has no clock: what it used stays. */
		if (clock_gettime(cpu_clock(workers->of_queue[q].tid), &used) == 0)
			dp_set(&workers->of_queue[q].row->cpu_ns,
			       (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec);
	}
}
