/* SPDX-License-Identifier: Apache-2.0 */
/* What a program has once it runs, a "name value" line each: the columns of the table in docs/privileges.md. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LOCKED (1024 * 1024)

static const char *
openable(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return strerrorname_np(errno);
	close(fd);
	return "ok";
}

static const char *
lockable(void)
{
	void *memory = mmap(NULL, LOCKED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return strerrorname_np(errno);
	const char *result = mlock(memory, LOCKED) == 0 ? "ok" : strerrorname_np(errno);
	munmap(memory, LOCKED);
	return result;
}

static void
show_status(void)
{
	FILE *status = fopen("/proc/thread-self/status", "re");
	char line[512];
	if (status == NULL)
		return;
	while (fgets(line, sizeof(line), status) != NULL)
		if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNewPrivs", 10) == 0 ||
		    strncmp(line, "Cpus_allowed_list", 17) == 0) {
			*strchr(line, ':') = ' ';
			fputs(line, stdout);
		}
	fclose(status);
}

int
main(void)
{
	show_status();
	printf("AtSecure %lu\n", getauxval(AT_SECURE));
	printf("Dumpable %d\n", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	printf("Environ %s\n", openable("/proc/self/environ"));
	printf("Pagemap %s\n", openable("/proc/self/pagemap"));
	printf("Mlock %s\n", lockable());
	printf("LdLibraryPath %s\n", getenv("LD_LIBRARY_PATH") == NULL ? "unset" : "set");
	return 0;
}
