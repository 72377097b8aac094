/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_test [CORPUS]: the inputs that the fuzzer found worth keeping, one in hex a line, through the fuzz target. So
 * every compiler and sanitizer that tests run with sees them. A finding ends the program, as it ends the fuzzer.
 */
#include <stdlib.h>
#include <string.h>

#include "checks.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
digit(char c)
{
	const char *digits = "0123456789abcdef", *at = strchr(digits, c);
	return c == '\0' || at == NULL ? -1 : (int)(at - digits);
}

/* The line's bytes; false when it is not hex. */
static bool
read_hex(const char *line, size_t length, uint8_t *bytes)
{
	for (size_t i = 0; i < length; i += 2) {
		int high = digit(line[i]), low = digit(line[i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	return length % 2 == 0;
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "test/fixtures/fuzz/corpus.txt";
	FILE *corpus = fopen(path, "r");
	if (!check(corpus != NULL, "opens %s", path) ||
	    !check(LLVMFuzzerInitialize(&argc, &argv) == 0, "compiles its rules"))
		return checks_exit_code();
	char *line = NULL;
	size_t room = 0, inputs = 0;
	bool hex = true;
	for (ssize_t n; hex && (n = getline(&line, &room, corpus)) > 0; inputs++) {
		size_t length = (size_t)n - (line[n - 1] == '\n');
		uint8_t *bytes = malloc(length / 2 + 1);
		hex = bytes != NULL && read_hex(line, length, bytes);
		if (hex)
			LLVMFuzzerTestOneInput(bytes, length / 2);
		free(bytes);
	}
	check(hex, "the corpus is in hex");
	check(inputs >= 50, "%zu inputs of the fuzz corpus pass", inputs);
	free(line);
	fclose(corpus);
	return checks_exit_code();
}
