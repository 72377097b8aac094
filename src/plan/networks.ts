import { macAddress } from '../config/terms.js'
import type { Environment, Netdev, NetworkStatus, PciDevice } from '../environment/types.js'
import { type PortDevice, packetNetdevOf } from './devices.js'
import { promisedNetworkDevices } from './promised-devices.js'

/** What the pod says about the device of a port, besides sysfs. */
export interface PortNetwork {
  readonly device: PciDevice | null
  readonly status: NetworkStatus | null
  /** The kernel's netdev of the same device: of a bifurcated VF, or the one that af_packet opens. */
  readonly netdev: Netdev | null
}

export function findNetwork({ pciAddress, devargs }: PortDevice, environment: Environment): PortNetwork {
  const device = environment.pciDevices.find(({ address }) => address === pciAddress) ?? null
  const opened = packetNetdevOf(devargs)
  const netdev =
    environment.netdevs.find((candidate) =>
      pciAddress === null
        ? candidate.name === opened
        : candidate.pciAddress === pciAddress || device?.netdevs.includes(candidate.name),
    ) ?? null
  return { device, status: pciAddress === null ? null : findStatus(pciAddress, netdev, environment), netdev }
}

/**
 * By device-info; without it (a NAD with a list of plugins, an old Multus) by the netdev; and for the only VF of a pod,
 * when it is no netdev, the only attachment whose netdev does not exist.
 */
function findStatus(pciAddress: string, netdev: Netdev | null, environment: Environment): NetworkStatus | null {
  const { pod, netdevs } = environment
  const statuses = (pod.status ?? []).filter((entry) => !entry.default)
  const told = statuses.find(({ device }) => device?.pciAddress === pciAddress)
  if (told !== undefined) return told
  const silent = statuses.filter(({ device }) => device === null)
  if (netdev !== null) return silent.find((entry) => entry.netdev === netdev.name) ?? null
  const absent = silent.filter((entry) => !netdevs.some(({ name }) => name === entry.netdev))
  const alone = promisedNetworkDevices(environment).length === 1 && absent.length === 1
  return alone ? (absent[0] ?? null) : null
}

/**
 * The MAC address that the device has, or is said to have, and who says so. Annotations are anybody's text, and this goes
 * into devargs: what is no address is nobody's.
 */
export function macOf({ netdev, status }: PortNetwork): { mac: string; from: string } | null {
  const said = [
    { mac: netdev?.mac, from: `netdev ${netdev?.name}` },
    { mac: status?.mac?.toLowerCase(), from: 'network-status' },
  ]
  const known = said.find(({ mac }) => macAddress.safeParse(mac).success)
  return known?.mac === undefined || known.mac === null ? null : { mac: known.mac, from: known.from }
}
