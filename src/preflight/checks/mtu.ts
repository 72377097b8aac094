import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { presentTaps, type WantedTap } from './wanted-taps.js'

const codes = {
  'mtu-mismatch': {
    levels: ['warning'],
    meaning: 'VF, tap and settings disagree about the MTU: the longer frames of one side are dropped by the other',
    remedyIn: 'NetworkAttachmentDefinition (mtu), SriovNetworkNodePolicy (mtu) or Spillway (ports[].mtu)',
  },
  'mtu-ok': { levels: ['ok'], meaning: 'nothing disagrees about the MTU', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const mtuCheck = {
  name: 'mtu',
  title: 'Do the MTUs agree?',
  codes,
  run(input) {
    const taps = presentTaps(input)
    const found = taps.flatMap((wanted) => mismatch(wanted, input))
    if (found.length > 0) return found
    const shown = taps.map(({ tap, netdev }) => `${tap} ${netdev.mtuBytes ?? 'unknown'}`).join(', ')
    return [
      finding('mtu-ok', { subject: 'MTU', needed: 'the same at VF and tap', found: shown || 'no tap to compare with' }),
    ]
  },
} satisfies Check

interface Claim {
  readonly who: string
  readonly mtuBytes: number
}

function mismatch(wanted: WantedTap & { tap: string }, input: CheckInput): Finding[] {
  const mtuBytes = wanted.netdev?.mtuBytes
  if (mtuBytes == null) return []
  const others = claims(wanted, input).filter((claim) => claim.mtuBytes !== mtuBytes)
  const [first] = others
  if (first === undefined) return []
  return [
    finding('mtu-mismatch', {
      subject: `tap ${wanted.tap}`,
      needed: others.map(({ who, mtuBytes: theirs }) => `${theirs} bytes, as ${who}`).join('; '),
      found: `${mtuBytes} bytes`,
      cause: 'each network has an MTU of its own; with "owner" and "group" the tap plugin ignores "mtu"',
      remedy: `NetworkAttachmentDefinition of ${wanted.tap}: "mtu": ${first.mtuBytes} at the tap plugin (or {"type": "tuning", "mtu": ${first.mtuBytes}}); or Spillway: ports[].mtu: ${mtuBytes}`,
    }),
  ]
}

/** Who says what about the MTU of this port besides the tap. */
function claims({ port, configured }: WantedTap, { environment }: CheckInput): Claim[] {
  const pci = port.pciAddress
  const status = environment.pod.status?.find(({ device }) => pci !== null && device?.pciAddress === pci)
  const netdev = environment.netdevs.find(({ pciAddress }) => pci !== null && pciAddress === pci)
  return [
    { who: `ports[].mtu of ${port.name} says`, mtuBytes: typeof configured?.mtu === 'number' ? configured.mtu : null },
    { who: `network-status says of ${pci}`, mtuBytes: status?.mtuBytes ?? null },
    { who: `the VF's netdev ${netdev?.name} has`, mtuBytes: netdev?.mtuBytes ?? null },
  ].flatMap(({ who, mtuBytes }) => (mtuBytes === null ? [] : [{ who, mtuBytes }]))
}
