import type { PciDevice } from '../environment/types.js'

/** Drivers whose VF is a kernel netdev and a DPDK port at once. */
const bifurcated = ['mlx5_core', 'mlx4_core', 'mana']

export function isBifurcated(device: PciDevice | null): boolean {
  return device?.driver != null && bifurcated.includes(device.driver)
}

/** vfio-pci, or a variant of it such as ice_vfio_pci. */
export function onVfio({ driver }: PciDevice): boolean {
  return driver?.includes('vfio') ?? false
}
