import type { Environment, Netdev } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'
import { isBifurcated } from './drivers.js'
import { macOf, type PortNetwork } from './networks.js'
import type { PairedPort } from './pairing.js'
import { overlap } from './subnets.js'

/** What device, network-status and tap say of one port should agree; where they do not, somebody's packets go astray. */
export function warnOfDisagreement(
  { port, network }: PairedPort,
  tap: Netdev | undefined,
  environment: Environment,
  log: DecisionLog,
): void {
  compareMacs(port.name, network, tap, log)
  compareMtus(port.name, network, tap, log)
  if (tap) warnOfSharedSubnet(port.name, network, tap, environment, log)
}

function compareMacs(port: string, network: PortNetwork, tap: Netdev | undefined, log: DecisionLog): void {
  const { netdev, status } = network
  const subject = `port ${port} MAC`
  if (netdev?.mac != null && status?.mac != null && netdev.mac !== status.mac.toLowerCase()) {
    log.warn(subject, netdev.mac, `network-status says ${status.mac}, which it was before; peers may still send there`)
  }
  const known = macOf(network)
  if (known === null || tap?.mac == null || tap.mac === known.mac) return
  log.warn(
    subject,
    known.mac,
    `from ${known.from}, but tap ${tap.name} has ${tap.mac}: the tap takes the port's at the start; set the same "mac" in ` +
      'both network annotations, or what network-status says of the tap is no longer true',
  )
}

function compareMtus(port: string, { netdev, status }: PortNetwork, tap: Netdev | undefined, log: DecisionLog): void {
  const device = netdev?.mtuBytes ?? status?.mtuBytes ?? null
  if (device === null || tap?.mtuBytes == null || tap.mtuBytes <= device) return
  log.warn(
    `port ${port} MTU`,
    `${device} bytes`,
    `tap ${tap.name} has ${tap.mtuBytes}: what the kernel sends may not fit; lower the tap's MTU ("mtu" in its ` +
      "NetworkAttachmentDefinition) or raise the VF's",
  )
}

/** With a bifurcated driver the kernel has the VF too: both answer, and replies may leave the wrong way. */
function warnOfSharedSubnet(
  port: string,
  { device, netdev }: PortNetwork,
  tap: Netdev,
  { netdevs }: Environment,
  log: DecisionLog,
): void {
  if (netdev === null || !isBifurcated(device)) return
  const side = [tap, ...netdevs.filter(({ parent }) => parent === tap.name)]
  const here = side.flatMap(({ addresses, routes }) => [...addresses, ...routes])
  const shared = [...netdev.addresses, ...netdev.routes].find((there) => here.some((one) => overlap(one, there)))
  if (shared === undefined) return
  log.warn(
    `port ${port} netdev ${netdev.name}`,
    shared,
    `it is a network of tap ${tap.name} too: replies may leave by ${netdev.name}, past the data plane, and ARP is ` +
      `answered twice; leave "ipam" out of the VF's network, and give the address to the tap`,
  )
}
