import { findingMaker } from '../preflight/finding-maker.js'
import type { CodeDeclarations, Finding } from '../preflight/types.js'
import type { PortState } from './port-state.js'
import type { RunningCheck } from './types.js'

const codes = {
  'device-removed': {
    levels: ['error'],
    meaning: 'the device of a port was taken away; the port comes back with it',
    remedyIn: 'node, or the pod',
  },
  'mac-mismatch': {
    levels: ['warning'],
    meaning: 'the port came up with another MAC than its network was given: DPDK made one up',
    remedyIn: 'node',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const deviceCheck = {
  name: 'device',
  codes,
  run: (state) => [...removed(state), ...otherMac(state)],
} satisfies RunningCheck

function removed({ planned, removed: gone }: PortState): Finding[] {
  if (!gone) return []
  const device = planned.pciAddress ?? planned.devargs.split(',')[0]
  return [
    finding('device-removed', {
      subject: `port ${planned.name}`,
      needed: `the device ${device}`,
      found: 'none: it was taken away while Spillway ran, which let go of it and looks for it every second',
      cause:
        'somebody changed the number of VFs of its PF (a new SriovNetworkNodePolicy), or took the PF off its driver',
      remedy:
        'node: make the VFs again and bind them to vfio-pci; delete the pod where the VFIO group of the VF has another number, ' +
        'since a container gets its device nodes at its start',
    }),
  ]
}

/**
 * DPDK makes up an address for a VF whose PF does not answer, and then the port has link and no packet. No pod sees its
 * PF, so nothing can tell before the start. Without a network the address is a guess from the tap, which takes the port's.
 */
function otherMac({ planned: { name, network, mac }, info }: PortState): Finding[] {
  if (info === null || network === null || mac === null || info.mac === mac) return []
  return [
    finding('mac-mismatch', {
      subject: `port ${name}`,
      needed: `${mac}, as network ${network} has it`,
      found: info.mac,
      cause: 'the PF of this VF is down, so it does not answer and DPDK made up an address; nothing will arrive',
      remedy: 'node: set the PF up (ip link set PF up); then delete the pod, since a VF asks only once',
    }),
  ]
}
