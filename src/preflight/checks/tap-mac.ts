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
  'tap-mac-ok': { levels: ['ok'], meaning: 'MACs agree, or nothing says what they should be', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const tapMacCheck = {
  name: 'tap-mac',
  title: 'Do the MACs agree?',
  codes,
  run(input) {
    const found = presentTaps(input).flatMap((wanted) => judge(wanted, macOfVf(wanted, input), input))
    if (found.length > 0) return found
    const needed = 'the same MAC at the VF, the tap and in network-status'
    return [finding('tap-mac-ok', { subject: 'MAC addresses', needed, found: summary(input) })]
  },
} satisfies Check

type Tap = WantedTap & { tap: string; netdev: { mac: string | null } }

/** What is known of the VF before it is probed. */
function macOfVf({ port }: WantedTap, { environment }: CheckInput): string | null {
  const { pciAddress } = port
  if (pciAddress === null) return null
  const status = environment.pod.status?.find(({ device }) => device?.pciAddress === pciAddress)
  return status?.mac ?? environment.netdevs.find((netdev) => netdev.pciAddress === pciAddress)?.mac ?? null
}

function judge(wanted: Tap, vf: string | null, { environment }: CheckInput): Finding[] {
  const { netdev, status, port, tap } = wanted
  // A tap that drifted is not compared with the VF too.
  if (differ(netdev.mac, status?.mac)) return [drift(wanted, vf)]
  if (vf === null || !differ(netdev.mac, vf)) return []
  const twin = environment.netdevs.find((other) => other.kind === 'tap' && same(other.mac, vf))
  return [twin === undefined ? differs(wanted, vf) : swapped(tap, twin.name, port, vf)]
}

function drift({ tap, netdev, status }: Tap, vf: string | null): Finding {
  const ours = same(netdev.mac, vf)
  const cause = ours
    ? "a Spillway of this pod gave the tap the VF's MAC, so that frames for the VF are frames for the tap"
    : 'a DPDK program started virtio-user without mac= and so gave the tap a random MAC'
  const words = {
    subject: `tap ${tap}`,
    needed: `the MAC that network-status promises, ${status?.mac}`,
    found: `${netdev.mac}`,
    cause,
    remedy: `pod spec: "mac": "${vf ?? status?.mac}" at both entries of k8s.v1.cni.cncf.io/networks${ours ? '' : '; other programs: mac= in the devargs of virtio_user'}`,
  }
  return finding('tap-mac-drift', words, ours ? 'note' : 'warning')
}

function differs({ tap, netdev, port }: Tap, vf: string): Finding {
  return finding('tap-mac-differs', {
    subject: `tap ${tap}`,
    needed: `the MAC of its VF, ${vf} (${port.pciAddress})`,
    found: `${netdev.mac}`,
    cause: 'each network got a MAC of its own; a VF without trust receives only frames for its own MAC',
    remedy: `pod spec: "mac": "${vf}" at ${tap}'s entry of k8s.v1.cni.cncf.io/networks, with {"type": "tuning", "capabilities": {"mac": true}} in its NetworkAttachmentDefinition; else Spillway changes the tap's MAC at start`,
  })
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
