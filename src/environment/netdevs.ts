import type { HostFiles } from './host-files.js'

/**
 * The netdevs of this process's network namespace. Not from /sys/class/net: a sysfs that was mounted in another
 * namespace goes on to show that one's netdevs, and in containers and the lab it was.
 */
export function discoverNetdevs(files: HostFiles): string[] {
  const lines = (files.text('proc/self/net/dev') ?? '').split('\n')
  return lines.flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? [])
}
