import type { PciDevice, PluginDeviceInfo, PluginResource } from '../../environment/types.js'
import type { PlannedPort } from '../../plan/types.js'
import type { CheckInput } from '../types.js'

/** A port of the plan with the PCI device it will be. */
export interface PlannedDevice {
  readonly port: PlannedPort
  readonly device: PciDevice
  /** The device plugin's variable that names it, and what it says of it. */
  readonly resource: PluginResource | null
  readonly info: PluginDeviceInfo | null
}

/** The ports that are PCI devices which sysfs shows. */
export function plannedDevices({ environment, plan }: CheckInput): PlannedDevice[] {
  return plan.ports.flatMap((port) => {
    const device = environment.pciDevices.find(({ address }) => address === port.pciAddress)
    if (device === undefined) return []
    const resource = environment.devicePlugin.find(({ addresses }) => addresses.includes(device.address)) ?? null
    return [{ port, device, resource, info: resource?.info?.[device.address] ?? null }]
  })
}

const mellanox = '15b3'

export function isMellanox({ vendor }: PciDevice): boolean {
  return vendor === mellanox
}

/** `port vf0, 0000:3b:02.4` */
export function describeDevice({ port, device }: PlannedDevice): string {
  return `port ${port.name}, ${device.address}`
}
