import type { Environment, PciDevice } from '../environment/types.js'
import { isBifurcated, onVfio } from './drivers.js'

export interface PromisedDevice {
  readonly address: string
  /** The device plugin's variable that names it. */
  readonly variable: string
}

/** A promised device that `auto` leaves alone: it is no network device, or the pod's kernel uses it. */
export interface LeftDevice extends PromisedDevice {
  readonly why: 'not-network' | 'kernel-netdev'
  readonly found: string
}

/**
 * Which of the promised devices `auto` may make a port of. A container can have other devices than VFs for DPDK: an
 * accelerator, or a VF whose netdev is its management network. The latter is taken when nothing better is there, so that
 * somebody says what is wrong with its driver.
 */
export function sortPromised(environment: Environment): {
  readonly takeable: readonly PromisedDevice[]
  readonly left: readonly LeftDevice[]
} {
  const promised = environment.devicePlugin.flatMap(({ addresses, variable }) =>
    addresses.map((address) => ({ address, variable })),
  )
  const deviceOf = ({ address }: PromisedDevice) =>
    environment.pciDevices.find((device) => device.address === address) ?? null
  const better = promised.some((one) => suitsDpdk(deviceOf(one)))
  const left = promised.flatMap((one): LeftDevice[] => {
    const device = deviceOf(one)
    if (device?.network === false) return [{ ...one, why: 'not-network', found: describe(device) }]
    const netdevs = better && device !== null ? kernelNetdevs(device, environment) : []
    return netdevs.length === 0 ? [] : [{ ...one, why: 'kernel-netdev', found: netdevs.join(', ') }]
  })
  return { takeable: promised.filter(({ address }) => !left.some((one) => one.address === address)), left }
}

/** The promised devices that can have a network in network-status. */
export function promisedNetworkDevices({ devicePlugin, pciDevices }: Environment): string[] {
  const others = new Set(pciDevices.filter(({ network }) => network === false).map(({ address }) => address))
  return devicePlugin.flatMap(({ addresses }) => addresses).filter((address) => !others.has(address))
}

function suitsDpdk(device: PciDevice | null): boolean {
  return device !== null && device.network !== false && (onVfio(device) || isBifurcated(device))
}

/** Netdevs of this pod on a device that DPDK cannot use beside its kernel driver. */
function kernelNetdevs(device: PciDevice, { netdevs }: Environment): string[] {
  if (device.driver === null || onVfio(device) || isBifurcated(device)) return []
  const own = netdevs.filter(({ name, pciAddress }) => pciAddress === device.address || device.netdevs.includes(name))
  return own.map(({ name }) => name)
}

function describe({ vendor, device, driver }: PciDevice): string {
  return `${vendor ?? '????'}:${device ?? '????'} on ${driver ?? 'no driver'}`
}
