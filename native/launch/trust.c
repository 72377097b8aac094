/* SPDX-License-Identifier: Apache-2.0 */
#include "trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As many as the kernel follows. */
#define MAX_LINKS 40

/*
 * Its owner counts as a writer: he may change the mode. Not so on a read-only file system. access() asks for the real
 * user, who is the effective one here, by a system call that every seccomp profile knows.
 */
static bool
may_write(const char *path, const struct stat *status)
{
	if (!S_ISLNK(status->st_mode)) {
		if (access(path, W_OK) == 0) {
			/* In a sticky folder such as /tmp only a file's owner replaces it. */
			bool sticky = S_ISDIR(status->st_mode) && (status->st_mode & S_ISVTX);
			return !sticky || status->st_uid == geteuid();
		}
		if (errno == EROFS)
			return false;
	}
	return status->st_uid == geteuid();
}

static bool may_replace(const char *path, unsigned links_left, char where[PATH_MAX]);

/* `link` is absolute; a relative target counts from the folder it lies in. */
static bool
may_replace_target(const char *link, unsigned links_left, char where[PATH_MAX])
{
	char target[PATH_MAX], path[2 * PATH_MAX];
	ssize_t length = readlink(link, target, sizeof(target) - 1);
	if (length < 0 || links_left == 0)
		return false;
	target[length] = '\0';
	int folder = target[0] == '/' ? 0 : (int)(strrchr(link, '/') + 1 - link);
	snprintf(path, sizeof(path), "%.*s%s", folder, link, target);
	return strlen(path) < PATH_MAX && may_replace(path, links_left - 1, where);
}

/* Every folder from the root down, then the file itself. */
static bool
may_replace(const char *path, unsigned links_left, char where[PATH_MAX])
{
	for (const char *end = path; *end != '\0';) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		char part[PATH_MAX];
		snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
		struct stat status;
		if (lstat(part, &status) != 0)
			return false;
		if (may_write(part, &status)) {
			memcpy(where, part, sizeof(part));
			return true;
		}
		if (S_ISLNK(status.st_mode) && may_replace_target(part, links_left, where))
			return true;
	}
	return false;
}

bool
dp_caller_may_replace(const char *path, char where[PATH_MAX])
{
	return may_replace(path, MAX_LINKS, where);
}
