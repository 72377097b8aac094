import type { Netdev } from '../../environment/types.js'
import { listNames } from '../../plan/devices.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { type WantedTap, wantedTaps } from './wanted-taps.js'

const codes = {
  'tap-none': {
    levels: ['note', 'warning'],
    meaning:
      'no tap for a port, and nobody named one: its packets do not reach the kernel; a warning when a rule sends there',
    remedyIn: 'NetworkAttachmentDefinition (type tap) or Spillway (ports[].exception.tap)',
  },
  'tap-missing': {
    levels: ['error'],
    meaning: 'the named tap is not in this network namespace, and making one needs NET_ADMIN',
    remedyIn: 'NetworkAttachmentDefinition and the networks annotation',
  },
  'tap-not-a-tap': {
    levels: ['error'],
    meaning: 'the netdev of that name is no tap (veth, dummy, tun, …); the kernel says EINVAL',
    remedyIn: 'networks annotation (interface) or Spillway (ports[].exception.tap)',
  },
  'tap-presence-ok': { levels: ['ok'], meaning: 'every tap of the plan is there', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const tapPresenceCheck = {
  name: 'tap-presence',
  title: 'Are the taps there?',
  codes,
  covers: ['ERR_TAP_MISSING', 'ERR_TAP_NOT_A_TAP'],
  run(input) {
    const wanted = wantedTaps(input)
    const found = wanted.flatMap((each) => judge(each, input))
    if (found.length > 0) return found
    const shown = wanted.flatMap(({ tap }) => (tap === null ? [] : [tap]))
    return [
      finding('tap-presence-ok', {
        subject: 'taps',
        needed: 'a tap for each port that wants one',
        found: shown.length === 0 ? 'the plan has none' : `${listNames(shown)} found, as planned`,
      }),
    ]
  },
} satisfies Check

function judge(wanted: WantedTap, input: CheckInput): Finding[] {
  const { tap, netdev } = wanted
  // Without /dev/net/tun the plan looks for no tap; the check tun tells that story.
  if (tap === null) return input.environment.devices.tun.state === 'usable' ? [none(wanted, input)] : []
  if (netdev === undefined) return [missing(wanted, tap, input)]
  return netdev.kind === 'tap' || netdev.kind === 'unknown' ? [] : [notATap(wanted, netdev)]
}

function none({ port }: WantedTap, { config, environment }: CheckInput): Finding {
  const taps = environment.netdevs.filter(({ kind }) => kind === 'tap').map(({ name }) => name)
  const toKernel = config.rules.filter(({ to }) => to === 'kernel').map(({ name }) => name)
  const words = {
    subject: `port ${port.name}`,
    needed:
      toKernel.length > 0
        ? `a tap, for rules ${toKernel.slice(0, 5).join(', ')}`
        : 'a tap, if its packets shall reach the kernel',
    found: taps.length > 0 ? `other taps: ${taps.join(', ')}` : 'no tap in this network namespace',
    cause:
      taps.length > 0
        ? 'no name, MAC or order says which tap belongs to the port'
        : 'no network of type tap was asked for',
    remedy: taps.length > 0 ? `Spillway: ports[].exception.tap: ${taps[0]}` : newTap(environment),
  }
  return finding('tap-none', words, toKernel.length > 0 ? 'warning' : 'note')
}

function newTap({ pod, process }: CheckInput['environment']): string {
  return pod.kubernetes
    ? 'pod spec: add {"name": "tap-one", "interface": "ext0"} to k8s.v1.cni.cncf.io/networks, with a NetworkAttachmentDefinition of {"type": "tap", "multiQueue": true}'
    : `by hand: ip tuntap add dev ext0 mode tap multi_queue user ${process.uid}; ip address add … dev ext0; ip link set ext0 up`
}

function missing({ port }: WantedTap, tap: string, { environment }: CheckInput): Finding {
  const names = environment.netdevs.map(({ name }) => name)
  const requested = environment.pod.requested?.some(({ netdev }) => netdev === tap) ?? false
  const taps = environment.netdevs.filter(({ kind }) => kind === 'tap').map(({ name }) => name)
  return finding('tap-missing', {
    subject: `tap ${tap}`,
    needed: `the tap ${tap} in this network namespace, for port ${port.name}`,
    found: listNames(names),
    cause: requested
      ? `the pod asks for ${tap}, so its plugin failed or another plugin made it elsewhere`
      : taps.length > 0
        ? `the name is wrong: the pod's taps are ${taps.join(', ')}`
        : 'the networks annotation has no entry of that interface name',
    remedy:
      taps.length > 0 && !requested
        ? `Spillway: ports[].exception.tap: ${taps[0]}`
        : `pod spec: {"name": "tap-one", "interface": "${tap}"} in k8s.v1.cni.cncf.io/networks; by hand: ip tuntap add dev ${tap} mode tap user ${environment.process.uid}`,
  })
}

function notATap({ port }: WantedTap, { name, kind }: Netdev): Finding {
  return finding('tap-not-a-tap', {
    subject: `tap ${name}`,
    needed: `a tap, for port ${port.name}`,
    found: `a netdev of kind ${kind}`,
    cause: `another plugin made ${name}; "interface" names of the networks annotation may be swapped`,
    remedy: `pod spec: "interface": "${name}" at the network whose plugin is "type": "tap"; or Spillway: ports[].exception.tap`,
  })
}
