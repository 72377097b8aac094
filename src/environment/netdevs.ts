import { networkInterfaces } from 'node:os'
import type { HostFiles } from './host-files.js'
import { readNetdevAddresses } from './netdev-addresses.js'
import { readNetdevAttributes } from './netdev-attributes.js'
import type { Netdev, NetworkStatus } from './types.js'

const mostNetdevs = 1024

/**
 * The netdevs of this process's network namespace: from /proc/self/net, which is always of this namespace. A sysfs
 * that was mounted in another one goes on to show that one's netdevs (in containers and the lab it was), so their
 * attributes are read from it only when it shows the same names.
 *
 * @param status  what Multus says of the addresses.
 */
export function discoverNetdevs(files: HostFiles, status: readonly NetworkStatus[]): Netdev[] {
  const names = readNames(files)
  const addresses = readNetdevAddresses(files, names, listOwners(files, status))
  const sysfsIsOurs = isOurSysfs(files, names)
  return names.map((name) => ({
    ...unknownNetdev(name),
    ...(sysfsIsOurs ? readNetdevAttributes(files, name) : {}),
    ...addresses.get(name),
  }))
}

function readNames(files: HostFiles): string[] {
  const lines = (files.text('proc/self/net/dev') ?? '').split('\n')
  return lines.flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? []).slice(0, mostNetdevs)
}

/** Whose an address is: by the kernel where it can be asked, which knows netdevs with carrier only, else by Multus. */
function listOwners(files: HostFiles, status: readonly NetworkStatus[]): Map<string, string> {
  const told = status.flatMap(({ netdev, ips }) =>
    netdev === null ? [] : ips.map((ip) => [ip.split('/')[0] ?? '', netdev] as const),
  )
  const asked = Object.entries(files.real ? networkInterfaces() : {}).flatMap(([netdev, addresses]) =>
    (addresses ?? []).map(({ address }) => [address, netdev] as const),
  )
  return new Map([...told, ...asked])
}

/** The folder also holds `bonding_masters`, which is a file. */
function isOurSysfs(files: HostFiles, names: readonly string[]): boolean {
  const shown = files.names('sys/class/net').filter((name) => name !== 'bonding_masters')
  return shown.length === names.length && shown.every((name) => names.includes(name))
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
