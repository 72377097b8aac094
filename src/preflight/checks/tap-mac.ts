import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { presentTaps, type WantedTap } from './wanted-taps.js'

const codes = {
  'tap-mac-drift': {
    levels: ['warning', 'note'],
    meaning: "the tap's MAC is not what network-status promises; a note when it is the VF's, which Spillway gives it",
    remedyIn: 'the other program (mac=) or pod spec (annotation)',
  },
  'tap-swapped': {
    levels: ['warning'],
    meaning: "another tap has the MAC of the port's VF: the taps of two ports seem to be swapped",
    remedyIn: 'Spillway (ports[].exception.tap) or pod spec (interface names)',
  },
  'tap-mac-differs': {
    levels: ['note'],
    meaning: "tap and VF have different MACs: the tap will get the VF's, and network-status will be wrong about it",
    remedyIn: 'pod spec (mac in both entries of the networks annotation)',
  },
  'mac-request-ignored': {
    levels: ['warning'],
    meaning: 'the networks annotation asks for a MAC that the network did not get',
    remedyIn: 'NetworkAttachmentDefinition (tuning) or SriovNetwork (capabilities)',
  },
  'tap-mac-ok': { levels: ['ok'], meaning: 'MACs agree, or nothing says what they should be', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const tapMacCheck = {
  name: 'tap-mac',
  title: 'Do the MACs agree?',
  codes,
  run(input) {
    const found = [
      ...presentTaps(input).flatMap((wanted) => [...drift(wanted), ...differs(wanted, input)]),
      ...ignored(input),
    ]
    if (found.length > 0) return found
    const needed = 'the same MAC at the VF, the tap and in network-status'
    return [finding('tap-mac-ok', { subject: 'MAC addresses', needed, found: summary(input) })]
  },
} satisfies Check

type Tap = WantedTap & { tap: string; netdev: { mac: string | null } }

function drift({ tap, netdev, port, status }: Tap): Finding[] {
  if (!differ(netdev.mac, status?.mac)) return []
  const ours = !differ(netdev.mac, port.mac)
  const cause = ours
    ? "a Spillway of this pod gave the tap the VF's MAC, so that frames for the VF are frames for the tap"
    : 'a DPDK program started virtio-user without mac= and so gave the tap a random MAC'
  const words = {
    subject: `tap ${tap}`,
    needed: `the MAC that network-status promises, ${status?.mac}`,
    found: `${netdev.mac}`,
    cause,
    remedy: `pod spec: "mac": "${port.mac ?? status?.mac}" at both entries of k8s.v1.cni.cncf.io/networks${ours ? '' : '; other programs: mac= in the devargs of virtio_user'}`,
  }
  return [finding('tap-mac-drift', words, ours ? 'note' : 'warning')]
}

function differs({ tap, netdev, port, status }: Tap, { environment }: CheckInput): Finding[] {
  const vf = environment.pod.status?.find(
    ({ device }) => device?.pciAddress === port.pciAddress && port.pciAddress !== null,
  )
  // A drifted tap has its own finding.
  if (differ(netdev.mac, status?.mac) || !differ(netdev.mac, vf?.mac)) return []
  const twin = environment.netdevs.find((other) => other.kind === 'tap' && same(other.mac, vf?.mac))
  if (twin !== undefined) return [swapped(tap, twin.name, port, vf?.mac ?? '')]
  return [
    finding('tap-mac-differs', {
      subject: `tap ${tap}`,
      needed: `the MAC of its VF, ${vf?.mac} (${port.pciAddress})`,
      found: `${netdev.mac}`,
      cause: 'each network got a MAC of its own; a VF without trust receives only frames for its own MAC',
      remedy: `pod spec: "mac": "${vf?.mac}" at ${tap}'s entry of k8s.v1.cni.cncf.io/networks, with {"type": "tuning", "capabilities": {"mac": true}} in its NetworkAttachmentDefinition; else Spillway changes the tap's MAC at start`,
    }),
  ]
}

function swapped(tap: string, twin: string, port: WantedTap['port'], mac: string): Finding {
  return finding('tap-swapped', {
    subject: `tap ${tap}`,
    needed: `the tap of port ${port.name}, whose VF ${port.pciAddress} has the MAC ${mac}`,
    found: `${tap}, while ${twin} has this MAC`,
    cause: 'the device plugin gives VFs in an order of its own, so names by position pair them with the wrong taps',
    remedy: `Spillway: ports[].device: "${port.pciAddress}" with exception.tap: ${twin}`,
  })
}

/** Multus hands the MAC only to plugins that declare the capability. */
function ignored({ environment }: CheckInput): Finding[] {
  const { requested, status } = environment.pod
  return (requested ?? []).flatMap(({ network, netdev, mac }) => {
    const got = status?.find((entry) => entry.netdev === netdev && netdev !== null)
    if (mac === null || !differ(mac, got?.mac)) return []
    const remedy =
      got?.device === null
        ? `NetworkAttachmentDefinition ${network}: add {"type": "tuning", "capabilities": {"mac": true}} after the tap plugin`
        : `SriovNetwork ${network.split('/').at(-1)}: spec.capabilities: '{"mac": true}'`
    return [
      finding('mac-request-ignored', {
        subject: netdev ?? network,
        needed: `the MAC that the annotation asks for, ${mac}`,
        found: `${got?.mac} in network-status`,
        cause: 'no plugin of the network declares the capability "mac", so Multus did not pass it on',
        remedy,
      }),
    ]
  })
}

function same(left: string | null | undefined, right: string | null | undefined): boolean {
  return left != null && right != null && left.toLowerCase() === right.toLowerCase()
}

function differ(left: string | null | undefined, right: string | null | undefined): boolean {
  return left != null && right != null && left.toLowerCase() !== right.toLowerCase()
}

function summary(input: CheckInput): string {
  const taps = presentTaps(input).map(({ tap, netdev }) => `${tap} ${netdev.mac ?? 'unknown'}`)
  return taps.length === 0 ? 'no tap' : taps.join(', ')
}
