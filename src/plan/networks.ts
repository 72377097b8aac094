import type { Environment, Netdev, NetworkStatus, PciDevice } from '../environment/types.js'
import { type PortDevice, packetNetdevOf } from './devices.js'

/** What the pod says about the device of a port, besides sysfs. */
export interface PortNetwork {
  readonly device: PciDevice | null
  readonly status: NetworkStatus | null
  /** The kernel's netdev of the same device: of a bifurcated VF, or the one that af_packet opens. */
  readonly netdev: Netdev | null
}

/** Drivers whose VF is a kernel netdev and a DPDK port at once. */
const bifurcated = ['mlx5_core', 'mlx4_core', 'mana']

export function isBifurcated(device: PciDevice | null): boolean {
  return device?.driver != null && bifurcated.includes(device.driver)
}

export function findNetwork({ pciAddress, devargs }: PortDevice, environment: Environment): PortNetwork {
  const device = environment.pciDevices.find(({ address }) => address === pciAddress) ?? null
  const status = environment.pod.status?.find((entry) => entry.device?.pciAddress === pciAddress) ?? null
  const opened = packetNetdevOf(devargs)
  const netdev =
    environment.netdevs.find((candidate) =>
      pciAddress === null
        ? candidate.name === opened
        : candidate.pciAddress === pciAddress || device?.netdevs.includes(candidate.name),
    ) ?? null
  return { device, status: pciAddress === null ? null : status, netdev }
}

/** The MAC address that the device has, or is said to have, and who says so. */
export function macOf({ netdev, status }: PortNetwork): { mac: string; from: string } | null {
  if (netdev?.mac != null) return { mac: netdev.mac, from: `netdev ${netdev.name}` }
  return status?.mac == null ? null : { mac: status.mac.toLowerCase(), from: 'network-status' }
}
