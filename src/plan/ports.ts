import { type Config, configSchema, type PortConfig } from '../config/schema.js'
import { parseVlanList } from '../config/vlan-list.js'
import type { Environment, Netdev } from '../environment/types.js'
import { warnOfDisagreement } from './agreement.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import { countPromisedDevices, type PortDevice } from './devices.js'
import { planException } from './exception.js'
import { findNetwork, macOf, type PortNetwork } from './networks.js'
import { pairTaps, warnOfCrossedPairs } from './pairing.js'
import type { PlannedPort } from './types.js'

/** What an Ethernet device has when nobody changed it. */
const defaultMtuBytes = 1500

/** Every port with its queues, peer and way to the kernel. Refuses what `planException` refuses. */
export function planPorts(
  config: Config,
  devices: readonly PortDevice[],
  cpus: PlannedCpus,
  environment: Environment,
  log: DecisionLog,
): PlannedPort[] {
  const names = devices.map(({ port }) => port.name)
  const peers = planPeers(names, config.forwarding.pairs, log)
  const ports = devices.map((device) => ({ ...device, network: findNetwork(device, environment) }))
  const pairs = pairTaps(ports, environment, log)
  warnOfCrossedPairs(ports, pairs, environment, log)
  return ports.map((paired, index) => {
    const { port, devargs, pciAddress, numaNode, network } = paired
    const queues = planQueues(port.name, port.queues, log)
    const exception = planException(port, index, pairs[index] ?? null, cpus, environment, log)
    const tap = environment.netdevs.find(({ name }) => name === exception.tap)
    warnOfDisagreement(paired, tap, environment, log)
    return {
      name: port.name,
      devargs,
      pciAddress,
      numaNode,
      mac: planMac(port.name, network, tap, log),
      network: network.status?.network ?? null,
      queues,
      rxDescriptors: port.rxDescriptors,
      txDescriptors: port.txDescriptors,
      mtuBytes: planMtu(port, network, tap, log),
      followMtu: port.mtu === 'auto',
      vlans: planVlans(port, log),
      offloads: planOffloads(port, exception.backend, log),
      peer: peers[index] ?? index,
      ethPeer: ethPeerOf(config, port.name),
      exception,
    }
  })
}

/** The configured ports, or one for each device of the pod. Without any device there is one port, which then fails. */
export function listPorts(config: Config, environment: Environment): Config['ports'] {
  if (config.ports.length > 0) return config.ports
  const count = Math.min(16, Math.max(1, countPromisedDevices(environment)))
  const { ports } = configSchema.parse({ ports: Array.from({ length: count }, () => ({})) })
  return ports.map((port, index) => ({ ...port, name: `vf${index}` }))
}

function planQueues(name: string, queues: number | 'auto', log: DecisionLog): number {
  if (queues === 'auto') log.note(`port ${name} queues`, 'auto', 'one per lcore, or as many as the device has')
  else log.note(`port ${name} queues`, String(queues), 'queues says so')
  return queues === 'auto' ? 0 : queues
}

/** The MAC address that the port will have, as far as it is known before the device is started. */
function planMac(name: string, network: PortNetwork, tap: Netdev | undefined, log: DecisionLog): string | null {
  const known = macOf(network) ?? (tap?.mac == null ? null : { mac: tap.mac, from: `tap ${tap.name}` })
  if (known !== null) log.note(`port ${name} address`, known.mac, `from ${known.from}`)
  return known?.mac ?? null
}

function planVlans({ name, vlans }: PortConfig, log: DecisionLog): number[] {
  if (vlans.length > 0) log.note(`port ${name} VLANs`, vlans.join(', '), 'vlans names them')
  return parseVlanList(vlans) ?? []
}

/** A tap with long packets asks for a port with them, as far as its network is known to carry them. */
function planMtu(
  { name, mtu }: PortConfig,
  { netdev, status }: PortNetwork,
  tap: Netdev | undefined,
  log: DecisionLog,
): number {
  if (mtu !== 'auto') {
    log.note(`port ${name} MTU`, `${mtu} bytes`, 'mtu says so')
    return mtu
  }
  const known = netdev?.mtuBytes ?? status?.mtuBytes ?? Number.POSITIVE_INFINITY
  const wanted = Math.min(known, tap?.mtuBytes ?? 0)
  if (tap === undefined || wanted <= defaultMtuBytes) return 0
  log.note(`port ${name} MTU`, `${wanted} bytes`, `so that what the kernel sends by tap ${tap.name} fits`)
  return wanted
}

/** All are about the exception path alone: without one nobody would gain by what they cost. */
function planOffloads(
  { name, offloads: { tap, tso, rxChecksum } }: PortConfig,
  backend: PlannedPort['exception']['backend'],
  log: DecisionLog,
): PlannedPort['offloads'] {
  if (!tap) log.warn(`port ${name} offloads`, 'none at the tap', 'offloads.tap says so; bulk TCP passes more slowly')
  const wanted = [...(tso ? ['TSO'] : []), ...(rxChecksum ? ['receive checksum'] : [])].join(', ')
  if (wanted === '') return { tap, tso, rxChecksum }
  const subject = `port ${name} offloads`
  if (backend === 'none') {
    log.warn(subject, 'none', `offloads asks for ${wanted}, which only an exception path uses`)
    return { tap, tso: false, rxChecksum: false }
  }
  log.note(subject, wanted, 'offloads says so; where the device cannot, software does it')
  return { tap, tso, rxChecksum }
}

/**
 * By which port forwarded packets leave, as indexes. Without pairs it is testpmd's paired topology: 0 and 1, 2 and 3;
 * a port left alone sends back what it receives.
 */
function planPeers(names: readonly string[], pairs: Config['forwarding']['pairs'], log: DecisionLog): number[] {
  const peers = names.map((_, index) => (pairs.length > 0 ? index : pairedWith(index, names.length)))
  for (const [left, right] of pairs) {
    const [a, b] = [names.indexOf(left), names.indexOf(right)]
    peers[a] = b
    peers[b] = a
  }
  const choice = names.flatMap((name, index) =>
    (peers[index] ?? index) >= index ? [`${name}–${names[peers[index] ?? index]}`] : [],
  )
  const reason = pairs.length > 0 ? 'forwarding.pairs names them' : "neighbours, like testpmd's paired topology"
  log.note('pairs', choice.join(', '), names.length === 1 ? 'one port sends back what it receives' : reason)
  return peers
}

function pairedWith(index: number, count: number): number {
  const neighbour = index ^ 1
  return neighbour < count ? neighbour : index
}

function ethPeerOf({ forwarding }: Config, name: string): string | null {
  return Object.hasOwn(forwarding.ethPeer, name) ? (forwarding.ethPeer[name] ?? null) : null
}
