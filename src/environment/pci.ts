import type { HostFiles } from './host-files.js'
import type { PciDevice, PluginResource } from './types.js'

const pciAddress = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/

const devicesFolder = 'sys/bus/pci/devices'

export function discoverPciDevices(files: HostFiles): PciDevice[] {
  return files.names(devicesFolder).map((address) => {
    const numaNode = files.number(`${devicesFolder}/${address}/numa_node`)
    return {
      address,
      driver: files.linkName(`${devicesFolder}/${address}/driver`) ?? null,
      // The kernel says -1 when the firmware does not tell.
      numaNode: numaNode === undefined || numaNode < 0 ? null : numaNode,
      vendor: null,
      device: null,
      iommuGroup: null,
      noIommu: false,
      groupPeers: [],
      role: 'other',
      pf: null,
      netdevs: [],
      rdma: [],
    }
  })
}

/**
 * The SR-IOV device plugin's lists: PCIDEVICE_<PREFIX>_<RESOURCE>=0000:3b:02.4,0000:3b:02.5. A variable that
 * ends in _INFO is JSON about the same devices. Resource names may hold `-`, so shells may not see the variable.
 */
export function discoverDevicePlugin(env: Readonly<Record<string, string | undefined>>): PluginResource[] {
  return Object.keys(env)
    .filter((variable) => variable.startsWith('PCIDEVICE_') && !variable.endsWith('_INFO'))
    .sort()
    .map((variable) => {
      const words = (env[variable] ?? '').split(',').map((word) => word.trim().toLowerCase())
      return {
        variable,
        addresses: words.filter((word) => pciAddress.test(word)),
        malformed: words.filter((word) => word !== '' && !pciAddress.test(word)),
        info: null,
        infoProblem: null,
      }
    })
}
