import { type Config, configSchema } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'
import { countPromisedDevices, planDevices } from './devices.js'
import { planException } from './exception.js'
import type { PlannedPort } from './types.js'

/**
 * Every port with its device, queues, peer and way to the kernel.
 *
 * @throws SpillwayError `ERR_DEVICE` and those of `planException`.
 */
export function planPorts(config: Config, environment: Environment, log: DecisionLog): PlannedPort[] {
  const ports = listPorts(config, environment)
  const names = ports.map(({ name }) => name)
  const peers = planPeers(names, config.forwarding.pairs, log)
  return planDevices(ports, environment, log).map(({ port, devargs }, index) => ({
    name: port.name,
    devargs,
    queues: planQueues(port.name, port.queues, log),
    rxDescriptors: port.rxDescriptors,
    txDescriptors: port.txDescriptors,
    mtuBytes: port.mtu === 'auto' ? 0 : port.mtu,
    peer: peers[index] ?? index,
    ethPeer: ethPeerOf(config, port.name),
    exception: planException(port, index, environment, log),
  }))
}

/** The configured ports, or one for each device of the pod. Without any device there is one port, which then fails. */
function listPorts(config: Config, environment: Environment): Config['ports'] {
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
