/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The telemetry relay against peers on real SOCK_SEQPACKET sockets, threads of this program: what goes wrong with a
 * peer, then whatever may come on the relay's input, against a second reading of its framing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include "checks.h"
#include "relay.h"
#include "socket.h"

#define N_INPUTS 10000
#define MAX_INPUT 32768
/* For a peer that answers: more than any machine needs. For one that does not: how long the test takes. */
#define LONG_MS 20000
#define SHORT_MS 50
#define GREETING "{\"version\":\"DPDK 24.11.8\",\"pid\":1,\"max_output_len\":16384}"

/* What a peer does when it is connected, and then with each question. */
enum way { ECHO, SAY, EMPTY, LEAVE, SILENT };

struct peer {
	enum way greets, answers;
	/* What it says: `length` bytes. */
	const char *text;
	size_t length;
	int listener;
	pthread_t thread;
};

static char folder[] = "/tmp/spillway-telemetry-test-XXXXXX";
static char path[sizeof(folder) + 16];
static struct tl_answer answer;

static void
must(bool good, const char *what)
{
	if (good)
		return;
	printf("not ok - the test itself: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

/* False when the peer shall leave. */
static bool
respond(int fd, enum way way, const char *text, size_t length)
{
	if (way == LEAVE)
		return false;
	if (way == SILENT)
		return true;
	return send(fd, text, way == EMPTY ? 0 : length, MSG_NOSIGNAL) >= 0;
}

static void
serve_one(const struct peer *peer, int fd)
{
	static char question[TL_MAX_LINE];
	int room = 2 * TL_MAX_ANSWER;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	bool greeted = peer->greets == ECHO ? respond(fd, SAY, GREETING, strlen(GREETING))
					    : respond(fd, peer->greets, peer->text, peer->length);
	ssize_t length = 1;
	while (greeted && (length = recv(fd, question, sizeof(question), 0)) > 0) {
		bool echo = peer->answers == ECHO;
		if (!respond(fd, peer->answers, echo ? question : peer->text, echo ? (size_t)length : peer->length))
			break;
	}
	close(fd);
}

static void *
serve(void *data)
{
	struct peer *peer = data;
	int fd;
	while ((fd = accept(peer->listener, NULL, NULL)) >= 0)
		serve_one(peer, fd);
	return NULL;
}

static int
listen_at(int backlog)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, backlog) == 0,
	     "a listening socket");
	return fd;
}

static void
start_peer(struct peer *peer)
{
	peer->listener = listen_at(4);
	must(pthread_create(&peer->thread, NULL, serve, peer) == 0, "a thread");
}

static void
stop_peer(struct peer *peer)
{
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
	unlink(path);
}

/* The greeting of such a peer: 0, or the error. */
static int
greeting_of(enum way greets, const char *text, size_t length, int patience_ms)
{
	struct peer peer = {.greets = greets, .text = text, .length = length};
	start_peer(&peer);
	int fd = tl_connect(path, patience_ms, &answer);
	if (fd >= 0)
		close(fd);
	stop_peer(&peer);
	return fd < 0 ? fd : 0;
}

/* The answer of such a peer to a question: 0, or the error. */
static int
answer_of(enum way answers, const char *text, size_t length, int patience_ms)
{
	struct peer peer = {.greets = ECHO, .answers = answers, .text = text, .length = length};
	start_peer(&peer);
	int fd = tl_connect(path, LONG_MS, &answer);
	must(fd >= 0, "a connection");
	struct timeval patience = {.tv_sec = patience_ms / 1000, .tv_usec = (patience_ms % 1000) * 1000L};
	must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0, "a deadline");
	int result = tl_ask(fd, "/ethdev/list", &answer);
	close(fd);
	stop_peer(&peer);
	return result;
}

static bool
is_whole(const char *text, size_t length)
{
	return !answer.cut && answer.length == length && memcmp(answer.text, text, length) == 0;
}

static void
check_greetings(void)
{
	static const char half[] = "{\"version\":\"DPDK 24.11.8\",\"pi";
	check(greeting_of(ECHO, "", 0, LONG_MS) == 0 && is_whole(GREETING, strlen(GREETING)), "a greeting comes whole");
	check(greeting_of(SAY, half, strlen(half), LONG_MS) == 0 && is_whole(half, strlen(half)),
	      "a truncated greeting is carried as it came, and no byte more");
	check(greeting_of(EMPTY, "", 0, LONG_MS) == -ECONNRESET, "an empty greeting is none");
	check(greeting_of(LEAVE, "", 0, LONG_MS) == -ECONNRESET, "a peer that leaves first is gone");
	check(greeting_of(SILENT, "", 0, SHORT_MS) == -ETIMEDOUT, "a peer that says nothing first is given up");
}

static void
check_answers(void)
{
	static const char odd[] = "{\"/a\":\0\n\"b\r\n\0\xff\xfe\"}\n";
	check(answer_of(ECHO, "", 0, LONG_MS) == 0 && is_whole("/ethdev/list", 12),
	      "the question arrives as it was asked");
	check(answer_of(SAY, odd, sizeof(odd), LONG_MS) == 0 && is_whole(odd, sizeof(odd)),
	      "NUL, line ends and bytes that are no text come through");
	check(answer_of(EMPTY, "", 0, LONG_MS) == -ECONNRESET, "an empty answer is an end");
	check(answer_of(LEAVE, "", 0, LONG_MS) == -ECONNRESET,
	      "a peer that leaves in the middle of a question is gone");
	check(answer_of(SILENT, "", 0, SHORT_MS) == -ETIMEDOUT, "a peer that never answers is given up");
}

/* Around what we take, in memory of exactly that size. */
static void
check_sizes(void)
{
	static const size_t sizes[] = {
		1, 16384, TL_MAX_ANSWER - 1, TL_MAX_ANSWER, TL_MAX_ANSWER + 1, TL_MAX_ANSWER + 100000};
	uint64_t random = 1;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i], taken = size < TL_MAX_ANSWER ? size : TL_MAX_ANSWER;
		char *text = malloc(size);
		must(text != NULL, "memory");
		for (size_t at = 0; at < size; at++)
			text[at] = (char)next_random(&random);
		int result = answer_of(SAY, text, size, LONG_MS);
		check(result == 0 && answer.length == taken && answer.cut == (size > taken) &&
			      memcmp(answer.text, text, taken) == 0,
		      "of an answer of %zu bytes %zu are taken%s", size, taken, size > taken ? ", and it is said" : "");
		free(text);
	}
}

static void
check_gone(void)
{
	char far[200];
	memset(far, 'x', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	check(tl_connect(far, LONG_MS, &answer) == -ENAMETOOLONG, "a path that is too long for the kernel is refused");
	check(tl_connect(path, LONG_MS, &answer) == -ENOENT, "no socket is no peer");
	close(listen_at(1));
	check(tl_connect(path, LONG_MS, &answer) == -ECONNREFUSED, "a socket that nobody serves is no peer");
	unlink(path);

	int pair[2];
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0, "a pair of sockets");
	close(pair[1]);
	check(tl_ask(pair[0], "/", &answer) == -EPIPE,
	      "a peer that left before the question is an error and no signal");
	close(pair[0]);
}

/* A peer that accepts nobody: its backlog is full after some connections. */
static void
check_backlog(void)
{
	int listener = listen_at(0), waiting[8], result = 0;
	unsigned n = 0;
	while (n < 8 && result != -ETIMEDOUT) {
		waiting[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		memcpy(address.sun_path, path, strlen(path) + 1);
		if (connect(waiting[n++], (struct sockaddr *)&address, sizeof(address)) != 0)
			result = tl_connect(path, SHORT_MS, &answer);
	}
	check(result == -ETIMEDOUT, "a peer whose backlog is full keeps us no longer than the deadline");
	while (n > 0)
		close(waiting[--n]);
	close(listener);
	unlink(path);
}

/* What the relay says to this input. To be freed. */
static char *
relayed(const char *input, size_t length, int patience_ms, size_t *said)
{
	char *output = NULL;
	FILE *in = fmemopen((void *)(uintptr_t)input, length, "rb"), *out = open_memstream(&output, said);
	must(in != NULL && out != NULL, "streams in memory");
	tl_relay(in, out, patience_ms);
	fclose(in);
	fclose(out);
	return output;
}

static void
check_relay(const char *what, const char *input, size_t length, const char *expected, size_t expected_length)
{
	size_t said;
	char *output = relayed(input, length, LONG_MS, &said);
	check(said == expected_length && memcmp(output, expected, said) == 0, "%s", what);
	free(output);
}

#define CHECK_RELAY(what, input, expected) check_relay(what, input, sizeof(input) - 1, expected, sizeof(expected) - 1)

static void
check_framing(void)
{
	CHECK_RELAY("a question without a connection is refused", "ask /\n",
		    "failed 44\nENOTCONN Transport endpoint is not connected\n");
	CHECK_RELAY("what is neither word is refused", "connect\n", "failed 21\nEPROTO Protocol error\n");
	CHECK_RELAY("an empty line is refused", "\n", "failed 21\nEPROTO Protocol error\n");
	CHECK_RELAY("a line that our input ended in is not acted on", "ask /", "");
	CHECK_RELAY("a line with a NUL ends the relay", "ask /\0\nask /\n", "");
	static char line[TL_MAX_LINE];
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 2] = '\n';
	check_relay("the longest line is a line", line, sizeof(line) - 1, "failed 21\nEPROTO Protocol error\n", 32);
	line[sizeof(line) - 2] = 'x';
	line[sizeof(line) - 1] = '\n';
	check_relay("a longer one ends the relay", line, sizeof(line), "", 0);
}

/* A conversation with a peer that says its questions back. */
static void
check_conversation(void)
{
	struct peer peer = {.greets = ECHO, .answers = ECHO};
	char input[512], expected[1024];
	start_peer(&peer);
	int in = snprintf(input, sizeof(input), "connect %s\nask /a\nconnect %s\nask /b,c d\nconnect /none\nask /a\n",
			  path, path);
	int out = snprintf(expected, sizeof(expected), "ok %zu\n%s\nok 2\n/a\nok %zu\n%s\nok 6\n/b,c d\n%s%s",
			   strlen(GREETING), GREETING, strlen(GREETING), GREETING,
			   "failed 32\nENOENT No such file or directory\n",
			   "failed 44\nENOTCONN Transport endpoint is not connected\n");
	check_relay("a new connection leaves the one before, a failed one leaves none", input, (size_t)in, expected,
		    (size_t)out);
	stop_peer(&peer);
}

static void
check_long_answer(void)
{
	static char text[TL_MAX_ANSWER + 1];
	memset(text, '\n', sizeof(text));
	text[1] = '\0';
	struct peer peer = {.greets = ECHO, .answers = SAY, .text = text, .length = sizeof(text)};
	char input[256];
	size_t said;
	start_peer(&peer);
	int in = snprintf(input, sizeof(input), "connect %s\nask /a\n", path);
	char *output = relayed(input, (size_t)in, LONG_MS, &said);
	size_t first = strlen(GREETING) + 7;
	check(said == first + 11 + TL_MAX_ANSWER + 1 && memcmp(output + first, "cut 262144\n", 11) == 0,
	      "an answer that was cut is said to be, and neither line ends nor a NUL end it");
	free(output);
	stop_peer(&peer);
}

/* How many descriptors we have open. */
static unsigned
count_fds(void)
{
	unsigned open = 0;
	for (int fd = 0; fd < 256; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

static size_t
make_piece(char *piece, size_t room, uint64_t *random)
{
	uint32_t choice = next_random(random) % 256;
	if (choice < 40)
		return (size_t)snprintf(piece, room, "connect %s\n", path);
	if (choice < 120)
		return (size_t)snprintf(piece, room, "ask %.*s\n", (int)(choice % 9), "/a,b c\x01\xff");
	if (choice < 140)
		return (size_t)snprintf(piece, room, "%.*s", (int)(choice % 9), "connect ");
	if (choice == 255)
		memcpy(piece, "", 1);
	else
		piece[0] = choice < 180 ? '\n' : (char)(1 + next_random(random) % 255);
	return 1;
}

/* Words of the relay, half words, and anything at all; NULs and long lines are rare, since the first one is the end. */
static size_t
make_input(char *input, uint64_t *random)
{
	size_t length = 0, room = 1 + next_random(random) % (next_random(random) % 16 == 0 ? MAX_INPUT - 1 : 400);
	while (length < room) {
		char piece[sizeof(path) + 16];
		size_t size = make_piece(piece, sizeof(piece), random);
		size = size < room - length ? size : room - length;
		memcpy(input + length, piece, size);
		length += size;
	}
	return length;
}

/* What the relay will say to a line, as far as it can be known: `failed` is told without its text. */
static bool
expect_line(FILE *expected, const char *line, size_t length, bool connected)
{
	static const char to[] = "connect ";
	if (length > 4 && memcmp(line, "ask ", 4) == 0 && connected) {
		fprintf(expected, "ok %zu\n", length - 4);
		fwrite(line + 4, 1, length - 4, expected);
		fputc('\n', expected);
		return true;
	}
	if (length == strlen(to) + strlen(path) && memcmp(line, to, strlen(to)) == 0 &&
	    memcmp(line + strlen(to), path, strlen(path)) == 0) {
		fprintf(expected, "ok %zu\n%s\n", strlen(GREETING), GREETING);
		return true;
	}
	fputs("failed\n", expected);
	return false;
}

/* A second reading of the framing: lines, until there is a NUL, one too long, or no end. To be freed. */
static char *
expect(const char *input, size_t length, size_t *expected_length)
{
	char *text = NULL;
	FILE *expected = open_memstream(&text, expected_length);
	must(expected != NULL, "a stream in memory");
	bool connected = false;
	while (length > 0) {
		const char *end = memchr(input, '\n', length);
		size_t line = end == NULL ? length : (size_t)(end - input);
		if (end == NULL || line > TL_MAX_LINE - 2 || memchr(input, '\0', line) != NULL)
			break;
		connected = expect_line(expected, input, line, connected);
		input += line + 1;
		length -= line + 1;
	}
	fclose(expected);
	return text;
}

/* Takes the texts out of what failed, in place. SIZE_MAX: not the relay's framing. */
static size_t
without_reasons(char *output, size_t length)
{
	size_t at = 0, kept = 0;
	while (at < length) {
		char status[8];
		size_t size;
		int head = 0;
		if (sscanf(output + at, "%7s %zu%n", status, &size, &head) != 2 || output[at + (size_t)head] != '\n' ||
		    at + (size_t)head + 1 + size >= length || output[at + (size_t)head + 1 + size] != '\n')
			return SIZE_MAX;
		size_t frame = (size_t)head + size + 2;
		bool failed = strcmp(status, "failed") == 0;
		memmove(output + kept, failed ? "failed\n" : output + at, failed ? 7 : frame);
		kept += failed ? 7 : frame;
		at += frame;
	}
	return kept;
}

static bool
reads_right(const char *input, size_t length, size_t *frames)
{
	size_t said, expected_length;
	char *output = relayed(input, length, LONG_MS, &said);
	char *expected = expect(input, length, &expected_length);
	size_t kept = without_reasons(output, said);
	bool right = kept == expected_length && memcmp(output, expected, kept) == 0;
	*frames += said;
	free(output);
	free(expected);
	return right;
}

static void
fuzz_input(void)
{
	struct peer peer = {.greets = ECHO, .answers = ECHO};
	uint64_t random = 5;
	unsigned wrong = 0;
	size_t said = 0;
	start_peer(&peer);
	for (unsigned i = 0; i < N_INPUTS; i++) {
		static char made[MAX_INPUT + 256];
		size_t length = make_input(made, &random);
		char *input = malloc(length);
		must(input != NULL, "memory");
		memcpy(input, made, length);
		wrong += !reads_right(input, length, &said);
		free(input);
	}
	stop_peer(&peer);
	check(wrong == 0 && said > N_INPUTS, "%d inputs of the relay, %u of them misread, %zu bytes said", N_INPUTS,
	      wrong, said);
}

int
main(void)
{
	/* A connection that is left open keeps a peer for ever. */
	alarm(60);
	must(mkdtemp(folder) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/socket", folder);
	unsigned open = count_fds();
	check_greetings();
	check_answers();
	check_sizes();
	check_gone();
	check_backlog();
	check_framing();
	check_conversation();
	check_long_answer();
	fuzz_input();
	check(count_fds() == open, "no descriptor is left open");
	rmdir(folder);
	return checks_exit_code();
}
