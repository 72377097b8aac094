/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 65536
#define MAX_PACKETS 10000000

/* The next line without its end, or NULL. */
static char *
read_line(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length = getline(&line, &room, stdin);
	if (length <= 0 || length > MAX_LINE || line[length - 1] != '\n') {
		free(line);
		return NULL;
	}
	line[length - 1] = '\0';
	return line;
}

/* "WORD NUMBER REST": false if it is not. */
static bool
parse(char *line, const char *word, unsigned long most, unsigned *number, char **rest)
{
	size_t length = strlen(word);
	if (strncmp(line, word, length) != 0 || line[length] != ' ' || line[length + 1] < '0' || line[length + 1] > '9')
		return false;
	char *end;
	unsigned long value = strtoul(line + length + 1, &end, 10);
	if (value > most || *end != ' ')
		return false;
	*number = (unsigned)value;
	*rest = end + 1;
	return true;
}

static bool
read_rule(struct dp_rule_source *rule)
{
	char *line = read_line();
	unsigned n = 0;
	char *name = NULL;
	bool good = line != NULL && parse(line, "rule", DP_MAX_RULES, &n, &name);
	if (good) {
		char **match = calloc(n + 1, sizeof(*match));
		rule->name = strdup(name);
		rule->match = (const char *const *)match;
		good = match != NULL && rule->name != NULL;
		for (; good && rule->n_match < n; rule->n_match++)
			good = (match[rule->n_match] = read_line()) != NULL;
	}
	free(line);
	return good;
}

static bool
parse_head(struct dp_request *request, char *line, unsigned *n)
{
	char *rest;
	if (parse(line, "replay", DP_MAX_RULES, n, &rest)) {
		request->replay = true;
		request->path = strdup(rest);
		return request->path != NULL;
	}
	if (!parse(line, "prove", DP_MAX_RULES, n, &rest))
		return false;
	unsigned long packets = strtoul(rest, NULL, 10);
	request->packets = (unsigned)(packets < MAX_PACKETS ? packets : MAX_PACKETS);
	return true;
}

int
dp_request_read(struct dp_request *request, const char **problem)
{
	*request = (struct dp_request){0};
	unsigned n = 0;
	char *line = read_line();
	if (line == NULL)
		return 0;
	bool good = parse_head(request, line, &n);
	free(line);
	*problem = "expected `prove RULES PACKETS` or `replay RULES PATH`";
	if (!good)
		return -1;
	request->rules = calloc(n + 1, sizeof(*request->rules));
	*problem = "expected `rule EXPRESSIONS NAME` and as many expressions";
	for (; request->rules != NULL && request->n < n; request->n++)
		if (!read_rule(&request->rules[request->n])) {
			request->n++; /* what there is of it is to be freed */
			return -1;
		}
	return request->rules == NULL ? -1 : 1;
}

void
dp_request_free(struct dp_request *request)
{
	for (unsigned r = 0; request->rules != NULL && r < request->n; r++) {
		for (unsigned m = 0; request->rules[r].match != NULL && m < request->rules[r].n_match; m++)
			free((char *)request->rules[r].match[m]);
		free((char **)request->rules[r].match);
		free((char *)request->rules[r].name);
	}
	free(request->rules);
	free(request->path);
	*request = (struct dp_request){0};
}
