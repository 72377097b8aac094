import type { Environment, Netdev } from '../environment/types.js'
import { SpillwayError } from '../errors.js'

/** Whether the name can be a tap's: a netdev of which nothing but the name is known may be one. */
export function mayBeTap({ kind }: Netdev): boolean {
  return kind === 'tap' || kind === 'unknown'
}

/** The kernel's rule: an owner must be us and a group one of ours, each where it is set, or we have CAP_NET_ADMIN. */
export function mayAttach({ tap }: Netdev, { uid, gid, groups, capabilities }: Environment['process']): boolean {
  if (tap === null || capabilities.effective.includes('CAP_NET_ADMIN')) return true
  const ours = tap.owner === null || tap.owner === uid
  return ours && (tap.group === null || tap.group === gid || groups.includes(tap.group))
}

/** A tap that we could take: persistent, ours, nobody attached to it, and with a name that devargs can carry. */
export function isFreeTap(netdev: Netdev, { process }: Environment): boolean {
  if (!/^[\w.-]{1,15}$/.test(netdev.name)) return false
  const persistent = netdev.kind === 'tap' && netdev.tap?.persistent === true
  return persistent && netdev.carrier !== true && mayAttach(netdev, process)
}

/** What keeps this tap from being attached to with so many queues, if anything does. */
export function findTapProblem(
  port: string,
  netdev: Netdev,
  queues: number,
  { process }: Environment,
): SpillwayError | undefined {
  const { name, kind, tap } = netdev
  if (!mayBeTap(netdev)) {
    return new SpillwayError(
      'ERR_TAP_NOT_A_TAP',
      `port ${port}: need a tap named ${name}, found a netdev of kind ${kind}`,
      {
        hint: 'name the tap with ports[].exception.tap; a veth, dummy or tun cannot take its place',
      },
    )
  }
  if (!mayAttach(netdev, process)) return tapOwner(port, netdev, process)
  if (tap !== null && queues > 1 && !tap.multiQueue) {
    return new SpillwayError(
      'ERR_TAP_QUEUES',
      `port ${port}: need ${queues} queues of tap ${name}, found that it was made with one`,
      {
        hint: `set "multiQueue": true in the tap's NetworkAttachmentDefinition, or ports[].exception.queues to 1 and hold to false`,
      },
    )
  }
  return undefined
}

function tapOwner(port: string, { name, tap }: Netdev, { uid, gid, groups }: Environment['process']): SpillwayError {
  const all = [...new Set([gid, ...groups])].sort((a, b) => a - b)
  const of = [
    ...(tap?.owner == null ? [] : [`owner ${tap.owner}`]),
    ...(tap?.group == null ? [] : [`group ${tap.group}`]),
  ]
  return new SpillwayError(
    'ERR_TAP_OWNER',
    `port ${port}: need tap ${name} to be ours (uid ${uid}, groups ${all.join(', ')}), found ${of.join(' and ')}`,
    {
      hint: `set "owner": ${uid} and "group": ${gid} in the tap's NetworkAttachmentDefinition, the pod's runAsUser and runAsGroup`,
    },
  )
}
