import { findingMaker } from '../preflight/finding-maker.js'
import type { CodeDeclarations, Finding } from '../preflight/types.js'
import type { PortState } from './port-state.js'
import type { RunningCheck } from './types.js'

const codes = {
  'multicast-refused': {
    levels: ['warning'],
    meaning: 'the port lets the multicast groups of its tap in neither by list nor all of them',
    remedyIn: 'SriovNetwork (trust)',
  },
  'vlan-refused': {
    levels: ['warning'],
    meaning: 'the PF lets a VLAN of a child of the tap, or of ports[].vlans, not through to the port',
    remedyIn: 'SriovNetwork (vlan) or Spillway (ports[].vlans)',
  },
  'mac-refused': {
    levels: ['warning'],
    meaning: 'the port does not let in what is for an address of a macvlan child or of VRRP',
    remedyIn: 'SriovNetwork (trust, spoofChk), or the network of the pod',
  },
  'spoofchk-in-doubt': {
    levels: ['note'],
    meaning: 'the tap has further addresses, and a PF with spoofchk on drops what they send; no pod can see it',
    remedyIn: 'SriovNetwork (spoofChk)',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const filtersCheck = {
  name: 'filters',
  codes,
  run: (state) => [...multicast(state), ...vlans(state), ...unicast(state)],
} satisfies RunningCheck

const trust =
  'SriovNetwork: spec.trust: "on" (sriov-cni: "trust": "on"); then delete the pod, since a VF is set up when it starts'
const trustAndSpoof =
  'SriovNetwork: spec.trust: "on" and spec.spoofChk: "off" (sriov-cni: "trust": "on", "spoofchk": "off"); then delete the pod, ' +
  'since a VF is set up when it starts'

function multicast({ planned, filters }: PortState): Finding[] {
  if (filters?.multicast.error == null) return []
  const { groups, error } = filters.multicast
  return [
    finding('multicast-refused', {
      subject: `port ${planned.name}`,
      needed: `${groups} multicast groups of tap ${planned.exception.tap}, or all multicast`,
      found: `${error} for both`,
      cause:
        'a PF lets a VF without trust have a short list of groups and not all multicast: IPv6, VRRP and OSPF may fail',
      remedy: trust,
    }),
  ]
}

function vlans({ planned, filters }: PortState): Finding[] {
  if (filters === null || filters.vlans.refused === 0) return []
  const { first, refused, told, error } = filters.vlans
  return [
    finding('vlan-refused', {
      subject: `port ${planned.name}`,
      needed: `${told} VLANs, of children of the tap and of ports[].vlans`,
      found: `${listSome(first.map(String), refused)} refused (${error})`,
      cause:
        'the VF has a VLAN of its own (vlan in its network), so its frames can have no tag of the pod; or the VFs of this PF ' +
        'have taken all its places (32 on igb, 64 on ixgbe)',
      remedy:
        'SriovNetwork: spec.vlan: 0; or Spillway: fewer ports[].vlans, and fewer VLAN children on the taps of this PF',
    }),
  ]
}

function unicast(state: PortState): Finding[] {
  const { planned, filters } = state
  if (filters === null || filters.unicast.told === 0) return []
  const { first, refused, told, error } = filters.unicast
  if (refused === 0) return isVf(state) ? [inDoubt(planned.name, told)] : []
  return [
    finding('mac-refused', {
      subject: `port ${planned.name}`,
      needed: `${told} further addresses of tap ${planned.exception.tap} (macvlan children, VRRP)`,
      found: `${listSome(first, refused)} refused (${error})`,
      ...whyRefused(state, error),
    }),
  ]
}

function whyRefused({ info }: PortState, error: string | null): { cause: string; remedy: string } {
  const own =
    'a network, and so a VF, of its own for each address; or keepalived without use_vmac, whose addresses have the MAC of the VF'
  if (error === 'EOPNOTSUPP') {
    return {
      cause: `the driver ${info?.driver ?? 'of the port'} knows one address, and without another the PF lets nothing else in`,
      remedy: `pod: ${own}`,
    }
  }
  if (error === 'ENOSPC') return { cause: 'the device has no place for a further address', remedy: `pod: ${own}` }
  return {
    cause: 'a PF lets a VF without trust have the address that its network was given, and no other',
    remedy: trustAndSpoof,
  }
}

function inDoubt(port: string, told: number): Finding {
  return finding('spoofchk-in-doubt', {
    subject: `port ${port}`,
    needed: `a PF that lets the VF send from ${told} further addresses (macvlan children, VRRP)`,
    found: 'the VF lets them in; whether they may send, only the node sees (ip link show PF: spoof checking)',
    cause: 'with spoofchk on the PF drops, without a word to the VF, what is not from the address of its network',
    remedy: trustAndSpoof,
  })
}

/** DPDK's names of VF drivers: net_iavf, net_ixgbe_vf, net_e1000_igb_vf, … */
function isVf({ info }: PortState): boolean {
  return info !== null && /_vf$|^net_iavf$/.test(info.driver)
}

function listSome(first: readonly string[], count: number): string {
  const more = count - first.length
  return first.join(', ') + (more > 0 ? ` and ${more} more` : '')
}
