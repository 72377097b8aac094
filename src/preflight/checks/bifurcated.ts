import { BlockList, isIP } from 'node:net'
import type { Netdev } from '../../environment/types.js'
import { isBifurcated, onVfio } from '../../plan/drivers.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeDevice, type PlannedDevice, plannedDevices } from './planned-devices.js'

const codes = {
  'bifurcated-netdev-address': {
    levels: ['warning'],
    meaning:
      "the kernel netdev of a bifurcated VF has an address or route in the tap's subnet: replies leave by it, and ARP is answered twice",
    remedyIn: 'SriovNetwork (no ipam)',
  },
  'vf-address-unused': {
    levels: ['note'],
    meaning: 'IPAM gave a VF an address that no netdev can carry, since the VF has none under vfio-pci',
    remedyIn: 'NetworkAttachmentDefinition (ipam at the tap)',
  },
  'vf-address-ok': { levels: ['ok'], meaning: 'no VF carries an address that the tap should have', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const bifurcatedCheck = {
  name: 'bifurcated',
  title: 'Are the addresses at the taps, not at the VFs?',
  codes,
  run(input) {
    const devices = plannedDevices(input)
    const found = devices.flatMap((planned) => [...onNetdev(planned, input), ...unused(planned, input)])
    if (found.length > 0) return found
    const needed = 'no address at the VFs'
    return [
      finding('vf-address-ok', {
        subject: 'VF addresses',
        needed,
        found: devices.length === 0 ? 'no VF in the plan' : 'no VF has an address that its tap should have',
      }),
    ]
  },
} satisfies Check

function onNetdev(planned: PlannedDevice, { environment }: CheckInput): Finding[] {
  if (!isBifurcated(planned.device)) return []
  const family = environment.netdevs.filter(
    ({ name, parent }) =>
      name === planned.port.exception.tap || (parent !== null && parent === planned.port.exception.tap),
  )
  const claimed = family.flatMap(networksOf)
  return environment.netdevs
    .filter(({ name }) => planned.device.netdevs.includes(name))
    .flatMap((netdev) => {
      const shared = networksOf(netdev).filter((mine) => claimed.some((theirs) => overlap(mine, theirs)))
      return shared.length === 0 ? [] : [answeredTwice(planned, netdev, shared)]
    })
}

function answeredTwice(planned: PlannedDevice, netdev: Netdev, shared: readonly string[]): Finding {
  const tap = planned.port.exception.tap
  const network = planned.port.network?.split('/').at(-1)
  return finding('bifurcated-netdev-address', {
    subject: netdev.name,
    needed: `no address and no route of ${tap}'s subnet at the VF's own netdev (${describeDevice(planned)})`,
    found: `${shared.join(', ')} at ${netdev.name}`,
    cause: `the VF's network has ipam of its own; the kernel then answers ARP at both and sends replies by ${netdev.name}, past the data plane`,
    remedy: `SriovNetwork${network === undefined ? '' : ` ${network}`}: remove spec.ipam; give the address to ${tap}: "ipam" at the tap plugin`,
  })
}

function unused({ port, device }: PlannedDevice, { environment }: CheckInput): Finding[] {
  const status = environment.pod.status?.find((entry) => entry.device?.pciAddress === device.address)
  if (!onVfio(device) || status === undefined || status.ips.length === 0) return []
  return [
    finding('vf-address-unused', {
      subject: `port ${port.name}, ${device.address}`,
      needed: 'addresses at the tap',
      found: `network-status gives ${status.ips.join(', ')} to ${status.netdev ?? status.network}, which has no netdev`,
      cause: 'the SriovNetwork has ipam, but under vfio-pci nobody can configure the address',
      remedy: `SriovNetwork ${status.network.split('/').at(-1)}: remove spec.ipam; NetworkAttachmentDefinition of the tap: "ipam" with this address`,
    }),
  ]
}

/** Addresses and routes without link-local, multicast and default ones, which every netdev may have. */
function networksOf({ addresses, routes }: Netdev): string[] {
  return [...addresses, ...routes].filter((network) => !/^(fe80:|ff|169\.254\.|0\.0\.0\.0\/0|::\/0)/i.test(network))
}

function overlap(left: string, right: string): boolean {
  return contains(left, right) || contains(right, left)
}

function contains(network: string, member: string): boolean {
  const [base = '', length] = network.split('/')
  const [address = ''] = member.split('/')
  const family = isIP(base)
  if (family === 0 || family !== isIP(address)) return false
  const list = new BlockList()
  const type = family === 6 ? 'ipv6' : 'ipv4'
  const bits = Number(length ?? (family === 6 ? 128 : 32))
  if (!Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32)) return false
  list.addSubnet(base, bits, type)
  return list.check(address, type)
}
