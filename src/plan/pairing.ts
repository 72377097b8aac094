import { isForTap } from '../config/terms.js'
import type { Environment, Netdev } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'
import type { PortDevice } from './devices.js'
import { macOf, type PortNetwork } from './networks.js'
import { isFreeTap, mayBeTap } from './taps.js'

/** A port's tap by name, and why it is that one; a tap that somebody named may not exist. */
export interface Pairing {
  readonly tap: string
  readonly reason: string
}

export interface PairedPort extends PortDevice {
  readonly network: PortNetwork
}

/**
 * Says which tap is the kernel side of which port: the one that `exception.tap` names; else the free tap with the
 * MAC address of the port's device; else `ext<i>` by the port's position; else, in a pod, the free taps in their order. Null
 * for a port without one. A guess is a warning.
 *
 * A MAC address says more than a position: a device plugin gives VFs in an order of its own, and the second container of
 * a pod has one VF, its first, and sees the taps of both.
 */
export function pairTaps(ports: readonly PairedPort[], environment: Environment, log: DecisionLog): (Pairing | null)[] {
  const wanting = ports.filter(({ port }) => isForTap(port.exception.backend) && port.exception.tap === 'auto')
  const taken = new Set(ports.map(({ port }) => port.exception.tap))
  const pairs = new Map<PairedPort, Pairing>()
  const pair = (port: PairedPort, tap: string, reason: string) => {
    taken.add(tap)
    pairs.set(port, { tap, reason })
  }
  const left = () => wanting.filter((port) => !pairs.has(port))
  for (const port of ports) if (!wanting.includes(port)) pairs.set(port, namedTap(port))
  const nameOf = (port: PairedPort) => `ext${ports.indexOf(port)}`
  const exists = (name: string) => !taken.has(name) && environment.netdevs.some((netdev) => netdev.name === name)
  for (const port of left()) {
    const tap = findByMac(port, freeTaps(environment, taken))
    if (tap !== undefined) pair(port, tap.name, reasonOfMac(tap, nameOf(port), exists(nameOf(port))))
  }
  for (const port of left()) {
    const name = nameOf(port)
    if (exists(name)) pair(port, name, `${name} exists`)
  }
  pairByOrder(left(), freeTaps(environment, taken), environment, log, pair)
  return ports.map((port) => pairs.get(port) ?? null)
}

function namedTap({ port: { exception } }: PairedPort): Pairing {
  return { tap: exception.tap === 'auto' ? '' : exception.tap, reason: 'exception.tap names it' }
}

function freeTaps(environment: Environment, taken: ReadonlySet<string>): Netdev[] {
  return environment.netdevs.filter((netdev) => !taken.has(netdev.name) && isFreeTap(netdev, environment))
}

function reasonOfMac({ name, mac }: Netdev, byPosition: string, exists: boolean): string {
  if (name === byPosition) return `${name} exists`
  return `its MAC address is the device's, ${mac}${exists ? `, though there is ${byPosition}` : ''}`
}

function findByMac({ network }: PairedPort, taps: readonly Netdev[]): Netdev | undefined {
  const known = macOf(network)
  const matching = taps.filter(({ mac }) => mac !== null && mac.toLowerCase() === known?.mac)
  return matching.length === 1 ? matching[0] : undefined
}

/** Only in a pod: on a bare host a free tap may be anybody's. */
function pairByOrder(
  ports: readonly PairedPort[],
  taps: readonly Netdev[],
  { pod, kernel }: Environment,
  log: DecisionLog,
  pair: (port: PairedPort, tap: string, reason: string) => void,
): void {
  if (ports.length === 0 || taps.length === 0 || (!pod.kubernetes && kernel.containerRuntime === null)) return
  const sure = ports.length === 1 && taps.length === 1
  ports.forEach((port, index) => {
    const tap = taps[index]
    if (tap !== undefined) pair(port, tap.name, sure ? 'the only free tap' : 'by the order of the free taps')
  })
  if (sure) return
  const chosen = ports.map(({ port }, index) => `${port.name}–${taps[index]?.name ?? 'none'}`).join(', ')
  log.warn(
    'pairs of port and tap',
    chosen,
    `a guess: ${ports.length} ports and ${taps.length} free taps, and neither names nor MAC addresses tell which belong ` +
      'together; name them by ports[].exception.tap',
  )
}

/** A tap that belongs to this port by its name, and to another by its MAC address. */
export function warnOfCrossedPairs(
  ports: readonly PairedPort[],
  pairs: readonly (Pairing | null)[],
  { netdevs }: Environment,
  log: DecisionLog,
): void {
  ports.forEach((one, index) => {
    const tap = netdevs.find((netdev) => netdev.name === pairs[index]?.tap && mayBeTap(netdev))
    const other = ports.find(
      (candidate) => candidate !== one && tap?.mac != null && macOf(candidate.network)?.mac === tap.mac,
    )
    if (tap === undefined || other === undefined || macOf(one.network)?.mac === tap.mac) return
    log.warn(
      `port ${one.port.name} pair`,
      tap.name,
      `its MAC address ${tap.mac} is that of port ${other.port.name}: are they swapped? ports[].exception.tap decides`,
    )
  })
}
