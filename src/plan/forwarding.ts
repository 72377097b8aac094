import type { Config } from '../config/schema.js'
import type { DecisionLog } from './decisions.js'
import type { Plan, PlannedPort } from './types.js'

/** The forwarding mode: `auto` is `mac` between two ports that know their next hops, else count and free. */
export function planForwarding(
  { forwarding }: Config,
  ports: readonly PlannedPort[],
  log: DecisionLog,
): Plan['forwarding'] {
  const known = ports.filter(({ ethPeer }) => ethPeer !== null)
  if (forwarding.mode !== 'auto') {
    log.note('forwarding', forwarding.mode, 'forwarding.mode says so')
    return { mode: forwarding.mode }
  }
  if (ports.length === 2 && known.length === 2) {
    log.note('forwarding', 'mac', 'there are two ports and both have an ethPeer')
    return { mode: 'mac' }
  }
  const reason = 'packets that no rule takes are counted and freed; forwarding.mode names what else there is'
  if (known.length > 0)
    log.warn('forwarding', 'rxonly', `${reason}; ethPeer is not used: mac needs two ports with one each`)
  else log.note('forwarding', 'rxonly', reason)
  return { mode: 'rxonly' }
}

/** Gives ports without an `ethPeer` testpmd's made-up one, in the modes that write it. */
export function fillNextHops(
  ports: readonly PlannedPort[],
  mode: Plan['forwarding']['mode'],
  log: DecisionLog,
): PlannedPort[] {
  if (mode !== 'mac' && mode !== 'txonly') return [...ports]
  return ports.map((port, index) => {
    if (port.ethPeer !== null) return port
    const ethPeer = `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`
    log.warn(
      `port ${port.name} next hop`,
      ethPeer,
      `it has no ethPeer, so ${mode} writes the address that testpmd makes up`,
    )
    return { ...port, ethPeer }
  })
}
