import type { HostFiles } from './host-files.js'
import type { Netdev } from './types.js'

/**
 * The netdevs of this process's network namespace. Not from /sys/class/net: a sysfs that was mounted in another
 * namespace goes on to show that one's netdevs, and in containers and the lab it was.
 */
export function discoverNetdevs(files: HostFiles): Netdev[] {
  const lines = (files.text('proc/self/net/dev') ?? '').split('\n')
  const names = lines.flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? [])
  return names.map(unknownNetdev)
}

/** A netdev of which only the name is known. */
export function unknownNetdev(name: string): Netdev {
  return {
    name,
    kind: 'unknown',
    mac: null,
    mtuBytes: null,
    up: null,
    carrier: null,
    tap: null,
    parent: null,
    bridge: null,
    pciAddress: null,
    addresses: [],
    routes: [],
  }
}
