import { assertNever } from '../errors.js'
import type { PortMtu } from '../ipc/messages.js'
import { findingMaker } from '../preflight/finding-maker.js'
import type { CodeDeclarations } from '../preflight/types.js'
import type { RunningCheck } from './types.js'

const codes = {
  'mtu-mismatch': {
    levels: ['warning', 'note'],
    meaning:
      "the tap's packets are longer than the port's (what is longer is dropped as inject_oversize); a note when they are shorter",
    remedyIn: 'NetworkAttachmentDefinition (mtu), SriovNetworkNodePolicy (mtu) or Spillway (ports[].mtu)',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const mtuCheck = {
  name: 'mtu',
  codes,
  settles: ['mtu-mismatch', 'mtu-ok'],
  run({ planned, mtu, info }) {
    if (mtu === null || mtu.mtuBytes === mtu.tapMtuBytes) return []
    const { tap } = planned.exception
    const words = {
      subject: `port ${planned.name}`,
      needed: `${mtu.tapMtuBytes} bytes, as tap ${tap} has`,
      found: `${mtu.mtuBytes} bytes`,
    }
    if (mtu.mtuBytes > mtu.tapMtuBytes) {
      const cause = 'the kernel receives longer packets than it sends; nothing is dropped'
      const remedy = `where it should send as long ones, NetworkAttachmentDefinition of ${tap}: "mtu": ${mtu.mtuBytes}`
      return [finding('mtu-mismatch', { ...words, cause, remedy }, 'note')]
    }
    const why = explain(mtu, info?.driver ?? 'of the port')
    const cause = `${why}; longer packets of the kernel are dropped as inject_oversize`
    return [finding('mtu-mismatch', { ...words, cause, remedy: mend(mtu, tap) })]
  },
} satisfies RunningCheck

function explain({ limit, mostBytes, error }: PortMtu, driver: string): string {
  switch (limit) {
    case 'plan':
      return 'ports[].mtu says so'
    case 'device':
      return `the driver ${driver} can have ${mostBytes} at most`
    case 'mbuf':
      return `a frame has to fit into an mbuf, and those of this start hold ${mostBytes}`
    case 'refused':
      return `the device refused it (${error}): its PF has a shorter one`
    case 'free':
      return 'the port did not follow its tap'
    default:
      return assertNever(limit)
  }
}

function mend({ limit, mtuBytes, tapMtuBytes, mostBytes }: PortMtu, tap: string): string {
  const shorter = (bytes: number) => `NetworkAttachmentDefinition of ${tap}: "mtu": ${bytes} at the tap plugin`
  switch (limit) {
    case 'plan':
      return `Spillway: ports[].mtu: auto (or ${tapMtuBytes}); or ${shorter(mtuBytes)}`
    case 'device':
      return shorter(mostBytes)
    case 'mbuf':
      return `start Spillway again, which sizes its mbufs by the tap, or Spillway: ports[].mtu: ${tapMtuBytes}; or ${shorter(mtuBytes)}`
    case 'refused':
    case 'free':
      return `SriovNetworkNodePolicy: spec.mtu: ${tapMtuBytes}; or ${shorter(mtuBytes)}`
    default:
      return assertNever(limit)
  }
}
