import type { StartInfo } from '../ipc/messages.js'
import type { Plan } from '../plan/types.js'

/** A port that came up with another MAC address than its network was given. */
export interface OtherMac {
  readonly port: string
  readonly needed: string
  readonly found: string
  readonly cause: string
  readonly remedy: string
}

/**
 * Ports whose device has not the address that network-status promises: DPDK makes one up for a VF whose PF does not
 * answer, and then the port has link and no packet. No pod sees its PF, so nothing can tell before the start. Pure.
 */
export function otherMacs(planned: Plan['ports'], found: StartInfo['ports']): OtherMac[] {
  return planned.flatMap(({ name, network, mac }) => {
    const port = found.find((candidate) => candidate.name === name)
    // Without a network the address is a guess from the tap, which takes the port's.
    if (port === undefined || network === null || mac === null || port.mac === mac) return []
    return [
      {
        port: name,
        needed: `${mac}, as network ${network} has it`,
        found: port.mac,
        cause: 'the PF of this VF is down, so it does not answer and DPDK made up an address; nothing will arrive',
        remedy: 'node: set the PF up (ip link set PF up); then delete the pod, since a VF asks only once',
      },
    ]
  })
}
