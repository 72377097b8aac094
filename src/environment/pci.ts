import type { HostFiles } from './host-files.js'
import { readPciAddress } from './pci-address.js'
import type { PciDevice } from './types.js'

const devicesFolder = 'sys/bus/pci/devices'

/** How a device presents itself, all of it in one file: a node may have a thousand devices. */
interface Presentation {
  readonly vendor: string | null
  readonly device: string | null
  readonly driver: string | null
  readonly network: boolean | null
}

/** Network devices that are looked at although nobody promised them. */
const mostUnpromised = 128

/**
 * All PCI devices that sysfs shows, which in a pod are the node's. Only some are looked at closely: those that were
 * promised, or, where none was, the network devices. See {@link PciDevice} for what is known of the others.
 */
export function discoverPciDevices(files: HostFiles, promised: ReadonlySet<string>): PciDevice[] {
  const addresses = files.names(devicesFolder).filter((name) => readPciAddress(name) === name)
  const shown = new Map(addresses.map((address) => [address, readPresentation(files, address)]))
  const network = addresses.filter((address) => shown.get(address)?.network).slice(0, mostUnpromised)
  const close = promised.size > 0 ? promised : new Set(network)
  const placed = new Set([...close, ...network])
  return [...shown].map(([address, presentation]) => ({
    address,
    ...presentation,
    ...unknownDetails,
    ...(placed.has(address) ? readPlace(files, address) : {}),
    ...(close.has(address) ? readDetails(files, address, shown) : {}),
  }))
}

const unknownDetails = {
  numaNode: null,
  iommuGroup: null,
  noIommu: false,
  groupPeers: [],
  role: 'other',
  pf: null,
  netdevs: [],
  rdma: [],
} as const

/** `DRIVER=vfio-pci`, `PCI_CLASS=20000`, `PCI_ID=8086:154C`. */
function readPresentation(files: HostFiles, address: string): Presentation {
  const folder = `${devicesFolder}/${address}`
  const uevent = files.text(`${folder}/uevent`) ?? ''
  const ids = /^PCI_ID=([0-9A-F]{4}):([0-9A-F]{4})$/im.exec(uevent)
  const pciClass = /^PCI_CLASS=([0-9A-F]{5,6})$/im.exec(uevent)?.[1]
  return {
    vendor: ids?.[1]?.toLowerCase() ?? readId(files, `${folder}/vendor`),
    device: ids?.[2]?.toLowerCase() ?? readId(files, `${folder}/device`),
    driver: /^DRIVER=(\S+)$/m.exec(uevent)?.[1] ?? (ids === null ? files.linkName(`${folder}/driver`) : null) ?? null,
    network: pciClass === undefined ? null : pciClass.padStart(6, '0').startsWith('02'),
  }
}

/** `0x8086`. */
function readId(files: HostFiles, path: string): string | null {
  return /^0x([0-9a-f]{4})$/.exec(files.text(path)?.trim() ?? '')?.[1] ?? null
}

function readPlace(files: HostFiles, address: string): Pick<PciDevice, 'numaNode' | 'role'> {
  const folder = `${devicesFolder}/${address}`
  const numaNode = files.number(`${folder}/numa_node`) ?? -1
  const isVf = files.exists(`${folder}/physfn`)
  return {
    // The kernel says -1 when the firmware does not tell.
    numaNode: numaNode < 0 ? null : numaNode,
    role: isVf ? 'vf' : files.exists(`${folder}/sriov_totalvfs`) ? 'pf' : 'other',
  }
}

function readDetails(
  files: HostFiles,
  address: string,
  shown: ReadonlyMap<string, Presentation>,
): Pick<PciDevice, 'iommuGroup' | 'noIommu' | 'groupPeers' | 'pf' | 'netdevs' | 'rdma'> {
  const folder = `${devicesFolder}/${address}`
  return {
    ...readIommuGroup(files, address, shown),
    pf: readPciAddress(files.linkName(`${folder}/physfn`) ?? '') ?? null,
    netdevs: files.names(`${folder}/net`),
    rdma: files.names(`${folder}/infiniband`),
  }
}

function readIommuGroup(
  files: HostFiles,
  address: string,
  shown: ReadonlyMap<string, Presentation>,
): Pick<PciDevice, 'iommuGroup' | 'noIommu' | 'groupPeers'> {
  const name = files.linkName(`${devicesFolder}/${address}/iommu_group`)
  if (name === undefined || !/^\d{1,9}$/.test(name)) return { iommuGroup: null, noIommu: false, groupPeers: [] }
  const folder = `sys/kernel/iommu_groups/${name}`
  const peers = files.names(`${folder}/devices`).filter((peer) => peer !== address)
  return {
    iommuGroup: Number(name),
    // The kernel gives such a group this name: VFIO made it itself, without an IOMMU.
    noIommu: files.text(`${folder}/name`)?.trim() === 'vfio-noiommu',
    groupPeers: peers.map((peer) => ({ address: peer, driver: shown.get(peer)?.driver ?? null })),
  }
}
