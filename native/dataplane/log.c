/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two voices on descriptor 2 that the supervisor tells apart by their first word: EAL's and the PMDs' log lines,
 * and the last words of a process that a signal kills. Each line is one write, so that threads do not mix.
 */
#include <ctype.h>
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <rte_log.h>

#include "dataplane.h"

#define LINE_MAX_BYTES 1024

static void
write_line(const char *line, size_t length)
{
	while (length > 0) {
		ssize_t n = write(STDERR_FILENO, line, length);
		if (n <= 0)
			return; /* nobody left to tell */
		line += n;
		length -= (size_t)n;
	}
}

/* rte_log formats a message and hands it over in one piece; it may hold several lines. */
static ssize_t
on_log(void *cookie, const char *text, size_t length)
{
	const char *end = text + length;
	for (const char *start = text; start < end;) {
		const char *stop = memchr(start, '\n', (size_t)(end - start));
		if (stop == NULL)
			stop = end;
		if (stop > start) {
			char line[LINE_MAX_BYTES];
			int n = snprintf(line, sizeof(line) - 1, "@dpdk %d %.*s", rte_log_cur_msg_loglevel(),
					 (int)(stop - start), start);
			if (n > (int)sizeof(line) - 2)
				n = (int)sizeof(line) - 2;
			for (int i = 0; i < n; i++)
				if (iscntrl((unsigned char)line[i]))
					line[i] = ' ';
			line[n] = '\n';
			write_line(line, (size_t)n + 1);
		}
		start = stop + 1;
	}
	return (ssize_t)length;
}

static void
say(const char *text)
{
	write_line(text, strlen(text));
}

static void
say_hex(uintptr_t value)
{
	char text[2 + sizeof(value) * 2];
	text[0] = '0';
	text[1] = 'x';
	for (unsigned i = 0; i < sizeof(value) * 2; i++)
		text[2 + i] = "0123456789abcdef"[(value >> (4 * (sizeof(value) * 2 - 1 - i))) & 0xf];
	write_line(text, sizeof(text));
}

static const char *
signal_name(int signum)
{
	switch (signum) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGILL:
		return "SIGILL";
	case SIGFPE:
		return "SIGFPE";
	default:
		return "SIGABRT";
	}
}

/* Async-signal-safe but for backtrace(), which was called once before so that libgcc is loaded. */
static void
on_crash(int signum, siginfo_t *info, void *context)
{
	signal(signum, SIG_DFL);
	char thread[16] = "";
	prctl(PR_GET_NAME, thread);
	say("@crash ");
	say(signal_name(signum));
	say(" in thread ");
	say(thread);
	say(" at address ");
	say_hex((uintptr_t)info->si_addr);
	say("\n");
	void *frames[32];
	int n = backtrace(frames, 32);
	for (int i = 0; i < n; i++) {
		say("@crash ");
		backtrace_symbols_fd(&frames[i], 1, STDERR_FILENO);
	}
	raise(signum);
}

void
dp_log_install(void)
{
	void *frames[1];
	backtrace(frames, 1);
	struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);

	FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = on_log});
	if (stream == NULL)
		return; /* EAL then uses stderr and syslog by itself */
	setvbuf(stream, NULL, _IOLBF, LINE_MAX_BYTES);
	rte_openlog_stream(stream);
}
