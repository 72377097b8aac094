import type { HostFiles } from './host-files.js'
import { formatIpv4, inSubnet, ipv4OfHex, ipv6OfHex, parseIpv4, prefixLength } from './ip-text.js'
import type { Netdev } from './types.js'

type Addresses = Pick<Netdev, 'addresses' | 'routes'>

/** A gateway's routing table may be long; what we look for are the subnets of a few netdevs. */
const mostLines = 4096

interface Ipv4Route {
  readonly netdev: string
  readonly network: number
  readonly mask: number
  readonly connected: boolean
}

/**
 * Addresses and routes of every netdev, from the tables of this network namespace.
 *
 * The IPv4 tables do not say whose a local address is: it belongs to the netdev with the connected route around it.
 * Two netdevs with that same route are a fault that has to be found; then `owners` decides.
 *
 * @param owners  netdevs by IPv4 address, as far as somebody else knows.
 */
export function readNetdevAddresses(
  files: HostFiles,
  names: readonly string[],
  owners: ReadonlyMap<string, string>,
): Map<string, Addresses> {
  const routes4 = readIpv4Routes(files)
  const owned = readLocalIpv4(files).flatMap((address) => placeAddress(address, routes4, owners))
  const six = readIpv6Addresses(files)
  const routes6 = readIpv6Routes(files)
  return new Map(
    names.map((name) => [
      name,
      {
        addresses: [...ofNetdev(owned, name), ...ofNetdev(six, name)],
        routes: [...ofNetdev(routes4.map(describeRoute), name), ...ofNetdev(routes6, name)],
      },
    ]),
  )
}

interface Line {
  readonly netdev: string
  readonly text: string
}

function ofNetdev(lines: readonly Line[], name: string): string[] {
  return [...new Set(lines.flatMap(({ netdev, text }) => (netdev === name ? [text] : [])))]
}

function describeRoute({ netdev, network, mask }: Ipv4Route): Line {
  return { netdev, text: `${formatIpv4(network)}/${prefixLength(mask)}` }
}

/** `eth0  0002000A 00000000 0001 0 0 0 00FFFFFF …`: netdev, destination, gateway, flags, …, mask. */
function readIpv4Routes(files: HostFiles): Ipv4Route[] {
  const lines = (files.text('proc/self/net/route') ?? '').split('\n', mostLines)
  return lines.flatMap((line) => {
    const words = line.trim().split(/\s+/)
    const [network, gateway, mask] = [words[1], words[2], words[7]].map((word) => ipv4OfHex(word ?? ''))
    if (words[0] === undefined || network === undefined || gateway === undefined || mask === undefined) return []
    return [{ netdev: words[0], network, mask, connected: gateway === 0 && mask !== 0 }]
  })
}

/** Leaves `|-- 10.0.2.1` with a line `/32 host LOCAL` below. */
function readLocalIpv4(files: HostFiles): number[] {
  const local = new Set<number>()
  let leaf: number | undefined
  for (const line of (files.text('proc/self/net/fib_trie') ?? '').split('\n')) {
    const address = /^\s*\|-- (\S+)$/.exec(line)?.[1]
    if (address !== undefined) leaf = parseIpv4(address)
    else if (leaf !== undefined && /^\s*\/32 host LOCAL$/.test(line)) local.add(leaf)
    if (local.size >= mostLines) break
  }
  return [...local]
}

function placeAddress(address: number, routes: readonly Ipv4Route[], owners: ReadonlyMap<string, string>): Line[] {
  const text = formatIpv4(address)
  // The routing table has no line for the loopback.
  if (text.startsWith('127.')) return [{ netdev: 'lo', text: `${text}/8` }]
  const around = routes.filter(({ network, mask, connected }) => connected && inSubnet(address, network, mask))
  const longest = Math.max(...around.map(({ mask }) => prefixLength(mask)))
  const nearest = around.filter(({ mask }) => prefixLength(mask) === longest)
  const told = owners.get(text)
  const route = nearest.find(({ netdev }) => netdev === told) ?? (nearest.length === 1 ? nearest[0] : undefined)
  if (route !== undefined) return [{ netdev: route.netdev, text: `${text}/${prefixLength(route.mask)}` }]
  return told === undefined ? [] : [{ netdev: told, text: `${text}/32` }]
}

/** `fd00…0002 04 40 00 82 eth0`: address, index, prefix length, scope, flags, netdev. */
function readIpv6Addresses(files: HostFiles): Line[] {
  const lines = (files.text('proc/self/net/if_inet6') ?? '').split('\n', mostLines)
  return lines.flatMap((line) => {
    const [hex, , length, , , netdev] = line.trim().split(/\s+/)
    const address = ipv6OfHex(hex ?? '')
    if (address === undefined || netdev === undefined) return []
    return [{ netdev, text: `${address}/${Number.parseInt(length ?? '', 16)}` }]
  })
}

/** RTF_UP, RTF_ANYCAST, RTF_LOCAL. @see linux/ipv6_route.h */
const routeFlags = { up: 0x1, anycast: 0x0010_0000, local: 0x8000_0000 }

/** Destination, its length, source, its length, next hop, metric, references, uses, flags, netdev. */
function readIpv6Routes(files: HostFiles): Line[] {
  const lines = (files.text('proc/self/net/ipv6_route') ?? '').split('\n', mostLines)
  return lines.flatMap((line) => {
    const words = line.trim().split(/\s+/)
    const [destination, flags, netdev] = [ipv6OfHex(words[0] ?? ''), Number.parseInt(words[8] ?? '', 16), words[9]]
    const leaves = (flags & routeFlags.up) !== 0 && (flags & (routeFlags.local | routeFlags.anycast)) === 0
    // ff00::/8 is there for every netdev.
    if (destination === undefined || netdev === undefined || !leaves || destination === 'ff00::') return []
    return [{ netdev, text: `${destination}/${Number.parseInt(words[1] ?? '', 16)}` }]
  })
}
