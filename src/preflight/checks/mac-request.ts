import type { NetworkRequest, NetworkStatus } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'

const codes = {
  'mac-request-ignored': {
    levels: ['warning'],
    meaning: 'the networks annotation asks for a MAC that the network did not get',
    remedyIn: 'NetworkAttachmentDefinition (tuning) or SriovNetwork (capabilities)',
  },
  'mac-request-ok': { levels: ['ok'], meaning: 'every MAC that was asked for was given, or none was', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const macRequestCheck = {
  name: 'mac-request',
  title: 'Did the networks get the MACs that the pod asks for?',
  codes,
  run(input) {
    const asked = (input.environment.pod.requested ?? []).filter(({ mac }) => mac !== null)
    const found = asked.flatMap((request) => ignored(request, input))
    if (found.length > 0) return found
    const words = { subject: 'MAC requests', needed: 'the MACs of the networks annotation' }
    return [
      finding('mac-request-ok', {
        ...words,
        found: asked.length === 0 ? 'none was asked for' : 'each was given as asked for',
      }),
    ]
  },
} satisfies Check

function ignored(request: NetworkRequest, { environment }: CheckInput): Finding[] {
  const { network, netdev, mac } = request
  const got = environment.pod.status?.find((entry) => netdev !== null && entry.netdev === netdev)
  if (got === undefined || got.mac === null || mac === null || got.mac.toLowerCase() === mac.toLowerCase()) return []
  const tap = environment.netdevs.find(({ name }) => name === netdev)?.tap ?? null
  const owned = tap !== null && tap.owner !== null && tap.group !== null
  return [
    finding('mac-request-ignored', {
      subject: netdev ?? network,
      needed: `the MAC that the annotation asks for, ${mac}`,
      found: `${got.mac} in network-status`,
      cause: owned
        ? 'with "owner" and "group" and without "selinuxContext" the tap plugin ignores "mac" and "mtu"'
        : 'no plugin of the network declares the capability "mac", so Multus did not pass it on',
      remedy: remedyFor(network, got),
    }),
  ]
}

/** Multus hands the MAC only to plugins that declare the capability. */
function remedyFor(network: string, { device }: NetworkStatus): string {
  return device === null
    ? `NetworkAttachmentDefinition ${network}: add {"type": "tuning", "capabilities": {"mac": true}} after the tap plugin`
    : `SriovNetwork ${network.split('/').at(-1)}: spec.capabilities: '{"mac": true}'`
}
