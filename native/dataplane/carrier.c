/* SPDX-License-Identifier: Apache-2.0 */
#include "carrier.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"

static bool
is_attached(int descriptor, const char *tap)
{
	char path[64], target[sizeof(TUN_DEVICE)];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	ssize_t length = readlink(path, target, sizeof(target));
	if (length != (ssize_t)strlen(TUN_DEVICE) || memcmp(target, TUN_DEVICE, (size_t)length) != 0)
		return false;
	struct ifreq request = {0};
	return ioctl(descriptor, TUNGETIFF, &request) == 0 && strncmp(request.ifr_name, tap, IFNAMSIZ) == 0;
}

int
dp_carrier_descriptor(const char *tap)
{
	DIR *folder = opendir("/proc/self/fd");
	if (folder == NULL)
		return -1;
	int found = -1;
	for (struct dirent *entry; found < 0 && (entry = readdir(folder)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		int descriptor = (int)strtol(entry->d_name, NULL, 10);
		if (is_attached(descriptor, tap))
			found = descriptor;
	}
	closedir(folder);
	return found;
}

int
dp_carrier_set(int descriptor, bool up)
{
	int value = up;
	return ioctl(descriptor, TUNSETCARRIER, &value) < 0 ? -errno : 0;
}
