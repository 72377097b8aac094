/* SPDX-License-Identifier: Apache-2.0 */
/* 22.11 calls its device events experimental; they are the only way to hear of a VFIO device that is to go. */
#define ALLOW_EXPERIMENTAL_API
#include "hotplug.h"

#include <errno.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>

#include "eal.h"
#include "error.h"
#include "quiesce.h"

/* Between two tries to open a device that is back and cannot be opened: at first, and at last. */
#define AGAIN_MS 1000
#define SELDOM_MS 30000

static bool
is_released(const struct dp_port *port)
{
	return atomic_load_explicit(&port->released, memory_order_relaxed);
}

/* Both are called on EAL's interrupt thread: they only note it. */
static int
on_port_event(uint16_t port_id, enum rte_eth_event_type type, void *context, void *ret)
{
	struct dp_machine *m = context;
	for (unsigned p = 0; p < m->n_ports; p++)
		if (m->ports[p].id == port_id && !is_released(&m->ports[p]))
			atomic_store_explicit(&m->ports[p].removed, true, memory_order_relaxed);
	return 0;
}

/* For a PCI device on vfio-pci this is the kernel's request to let go of it. */
static void
on_device_event(const char *device, enum rte_dev_event_type type, void *context)
{
	struct dp_machine *m = context;
	for (unsigned p = 0; type == RTE_DEV_EVENT_REMOVE && p < m->n_ports; p++)
		if (strcmp(m->ports[p].device, device) == 0)
			atomic_store_explicit(&m->ports[p].removed, true, memory_order_relaxed);
}

void
dp_hotplug_watch(struct dp_machine *m)
{
	rte_eth_dev_callback_register(RTE_ETH_ALL, RTE_ETH_EVENT_INTR_RMV, on_port_event, m);
	rte_dev_event_callback_register(NULL, on_device_event, m);
}

void
dp_hotplug_unwatch(struct dp_machine *m)
{
	rte_dev_event_callback_unregister(NULL, on_device_event, m);
}

/* A PCI device that is not there need not be probed: EAL would log an error each time. */
static bool
may_be_there(const struct dp_port *port)
{
	char path[DP_NAME_LEN + 32];
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", port->device);
	return strchr(port->device, ':') == NULL || access(path, F_OK) == 0;
}

/* Devices are held; so they are in reopen(). */
static void
release(struct dp_port *port)
{
	struct rte_eth_dev_info info;
	struct rte_device *device = rte_eth_dev_info_get(port->id, &info) == 0 ? info.device : NULL;
	dp_port_close(port);
	if (device != NULL)
		rte_dev_remove(device);
	port->last = (struct dp_port_readings){0};
}

/* With the device that is there now, as the port was. */
static int
reopen(struct dp_port *port, struct dp_error *error)
{
	struct dp_port now = {0};
	if (dp_port_open(&now, port->plan, error) < 0) {
		error->errnum = ENODEV;
		return -1;
	}
	memcpy(port->driver, now.driver, sizeof(port->driver));
	if (now.id != port->id)
		return dp_fail(error, EMEDIUMTYPE, "rte_dev_probe", port->plan->name,
			       "the device came back as ethdev port %u; its id, %u, was taken meanwhile, by the port "
			       "to a vhost-user neighbour perhaps",
			       now.id, port->id);
	if (memcmp(now.mac, port->mac, sizeof(now.mac)) != 0)
		return dp_fail(error, EMEDIUMTYPE, "rte_dev_probe", port->plan->name, "another device came back");
	if (dp_port_configure_again(port, error) < 0 || dp_port_start(port, error) < 0)
		return -1;
	return 0;
}

static enum dp_hotplug_news
leave(struct dp_hotplug *hotplug, struct dp_machine *m, struct dp_port *port)
{
	/* One that stands still is the watchdog's; a connector may hold the devices. Asked again in the next turn. */
	if (!dp_pause(m, port) || !dp_eal_try_hold_devices())
		return DP_HOTPLUG_NONE;
	release(port);
	dp_eal_release_devices();
	atomic_store_explicit(&port->released, true, memory_order_relaxed);
	port->lost_ms = 0;
	atomic_store_explicit(&port->reset_pending, false, memory_order_relaxed);
	*hotplug = (struct dp_hotplug){.tried_ms = dp_now_ms(), .pause_ms = AGAIN_MS};
	return DP_HOTPLUG_LEFT;
}

static enum dp_hotplug_news
try_again(struct dp_hotplug *hotplug, struct dp_port *port, struct dp_error *error)
{
	hotplug->tried_ms = dp_now_ms();
	hotplug->pause_ms = hotplug->pause_ms * 2 < SELDOM_MS ? hotplug->pause_ms * 2 : SELDOM_MS;
	if (reopen(port, error) == 0) {
		atomic_store_explicit(&port->released, false, memory_order_relaxed);
		atomic_store_explicit(&port->removed, false, memory_order_relaxed);
		dp_resume(port);
		return DP_HOTPLUG_RETURNED;
	}
	if (error->errnum == EMEDIUMTYPE)
		return DP_HOTPLUG_OTHER;
	if (error->errnum != ENODEV)
		release(port);
	return DP_HOTPLUG_NONE;
}

static enum dp_hotplug_news
come_back(struct dp_hotplug *hotplug, struct dp_port *port, struct dp_error *error)
{
	if (dp_now_ms() - hotplug->tried_ms < hotplug->pause_ms || !may_be_there(port) || !dp_eal_try_hold_devices())
		return DP_HOTPLUG_NONE;
	enum dp_hotplug_news news = try_again(hotplug, port, error);
	dp_eal_release_devices();
	return news;
}

enum dp_hotplug_news
dp_hotplug_turn(struct dp_hotplug *hotplug, struct dp_machine *m, unsigned p, struct dp_error *error)
{
	struct dp_port *port = &m->ports[p];
	if (is_released(port))
		return come_back(hotplug, port, error);
	if (atomic_load_explicit(&port->removed, memory_order_relaxed))
		return leave(hotplug, m, port);
	return DP_HOTPLUG_NONE;
}
