import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { wordsFor } from './surroundings.js'
import { presentTaps, type WantedTap } from './wanted-taps.js'

const codes = {
  'tap-down': {
    levels: ['warning'],
    meaning: 'the tap is administratively down; a rootless pod cannot set it up',
    remedyIn: 'NetworkAttachmentDefinition',
  },
  'tap-no-address': {
    levels: ['note'],
    meaning:
      'neither the tap nor a netdev above it has an address: nothing answers, and the built-in rule "local" matches nothing',
    remedyIn: 'NetworkAttachmentDefinition (ipam)',
  },
  'tap-child-parent': {
    levels: ['warning'],
    meaning: 'a netdev named like a VLAN of the tap does not lie on the tap',
    remedyIn: 'NetworkAttachmentDefinition (linkInContainer) and order of the networks annotation',
  },
  'tap-network-ok': { levels: ['ok'], meaning: 'the taps are up and have addresses', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const tapNetworkCheck = {
  name: 'tap-network',
  title: 'Is the kernel side of the taps set up?',
  codes,
  run(input) {
    const taps = presentTaps(input)
    const found = taps.flatMap((wanted) => [
      ...down(wanted),
      ...noAddress(wanted, input),
      ...strayChildren(wanted, input),
    ])
    if (found.length > 0) return found
    const shown = taps.map(({ tap }) => `${tap} ${[...addressesOf(tap, input)].join(' ') || 'without address'}`)
    return [
      finding('tap-network-ok', {
        subject: 'taps',
        needed: 'taps that are up and have an address',
        found: shown.length === 0 ? 'no tap whose attributes can be read' : shown.join(', '),
      }),
    ]
  },
} satisfies Check

type Tap = WantedTap & { tap: string }

function down({ tap, netdev, port }: Tap): Finding[] {
  if (netdev?.up !== false) return []
  return [
    finding('tap-down', {
      subject: `tap ${tap}`,
      needed: `${tap} up, for port ${port.name}`,
      found: 'it is down (IFF_UP is not set)',
      cause: 'the tap plugin sets it up; something set it down again, or it was made by hand',
      remedy: `by hand with NET_ADMIN: ip link set ${tap} up; in a pod: make it anew (delete the pod)`,
    }),
  ]
}

function noAddress({ tap, port }: Tap, input: CheckInput): Finding[] {
  const exceptionPath = input.config.exceptionPath
  if (addressesOf(tap, input).length > 0 || !exceptionPath.builtins) return []
  return [
    finding('tap-no-address', {
      subject: `tap ${tap}`,
      needed: `an address on ${tap} or on a VLAN, macvlan or ipvlan above it, if the kernel shall answer for port ${port.name}`,
      found: 'none beyond link-local',
      ...wordsFor(input.environment, {
        pod: {
          cause: 'the NetworkAttachmentDefinition has no ipam; a rootless pod cannot add an address later',
          remedy: `NetworkAttachmentDefinition of ${tap}: "ipam": {"type": "static", "addresses": [{"address": "192.0.2.10/24"}]} at the tap plugin`,
        },
        host: {
          cause: 'nobody gave it one',
          remedy: `by hand with NET_ADMIN: ip address add 192.0.2.10/24 dev ${tap}`,
        },
      }),
    }),
  ]
}

/** Addresses of the tap and of what lies on it, without link-local ones. */
function addressesOf(tap: string, { environment }: CheckInput): string[] {
  return environment.netdevs
    .filter(({ name, parent }) => name === tap || parent === tap)
    .flatMap(({ addresses }) => addresses)
    .filter((address) => !/^(fe80:|169\.254\.)/i.test(address))
}

function strayChildren({ tap }: Tap, { environment }: CheckInput): Finding[] {
  const strays = environment.netdevs.filter(
    ({ name, kind, parent }) => name.startsWith(`${tap}.`) && kind === 'vlan' && parent !== tap,
  )
  return strays.map(({ name, parent }) =>
    finding('tap-child-parent', {
      subject: name,
      needed: `${name} on ${tap}`,
      found: `it lies on ${parent ?? 'a netdev outside this network namespace'}`,
      ...wordsFor(environment, {
        pod: {
          cause: 'the plugin looked for its master on the host, or ran before the tap was there',
          remedy: `NetworkAttachmentDefinition of ${name}: "linkInContainer": true, "master": "${tap}"; pod spec: name the tap's network first in k8s.v1.cni.cncf.io/networks`,
        },
        host: {
          cause: 'it was made on another netdev',
          remedy: `by hand with NET_ADMIN: ip link del ${name}; ip link add link ${tap} name ${name} type vlan id VLAN; ip link set ${name} up`,
        },
      }),
    }),
  )
}
