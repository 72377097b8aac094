import { isBifurcated, onVfio } from '../../plan/drivers.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeDevice, isMellanox, type PlannedDevice, plannedDevices } from './planned-devices.js'
import { resourceNameOf } from './resource-name.js'
import { wordsFor } from './surroundings.js'

const codes = {
  'vf-kernel-driver': {
    levels: ['error'],
    meaning: 'the VF is bound to a kernel driver (iavf, igbvf, ixgbevf, …): DPDK skips it without a line',
    remedyIn: 'SriovNetworkNodePolicy (deviceType: vfio-pci)',
  },
  'vf-no-driver': {
    levels: ['error'],
    meaning: 'no driver is bound to the VF',
    remedyIn: 'SriovNetworkNodePolicy (deviceType)',
  },
  'vf-uio': {
    levels: ['error'],
    meaning: 'the VF is bound to a UIO driver, which needs a writable /sys and physical addresses',
    remedyIn: 'SriovNetworkNodePolicy (deviceType: vfio-pci)',
  },
  'vf-mellanox-on-vfio': {
    levels: ['error'],
    meaning: 'a Mellanox VF is bound to vfio-pci, but the mlx5 PMD works beside the kernel driver mlx5_core',
    remedyIn: 'SriovNetworkNodePolicy (deviceType: netdevice, isRdma: true)',
  },
  'vf-is-pf': {
    levels: ['warning', 'note'],
    meaning: 'the device is a PF, not a VF: the whole port of the node goes to this pod; a note outside Kubernetes',
    remedyIn: 'SriovNetworkNodePolicy (numVfs) or Spillway (ports[].device)',
  },
  'vf-broadcom': {
    levels: ['note'],
    meaning: 'a Broadcom VF: works with vfio-pci, but suites skip it (OCPBUGS-30909)',
    remedyIn: 'SriovNetwork (trust, spoofChk)',
  },
  'vf-driver-ok': { levels: ['ok'], meaning: 'every device is bound to a driver that DPDK can use', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

const uioDrivers: readonly string[] = ['igb_uio', 'uio_pci_generic']
const broadcom = '14e4'

export const vfDriverCheck = {
  name: 'vf-driver',
  title: 'Can DPDK drive the devices?',
  codes,
  run(input) {
    const devices = plannedDevices(input)
    const found = devices.flatMap((planned) => [...driver(planned), ...role(planned, input), ...vendor(planned)])
    if (found.length > 0) return found
    const shown = devices.map(({ device }) => `${device.address} on ${device.driver}`).join(', ')
    return [
      finding('vf-driver-ok', {
        subject: 'PCI devices',
        needed: 'vfio-pci, or a bifurcated driver',
        found: shown || 'no PCI device in the plan',
      }),
    ]
  },
} satisfies Check

function driver(planned: PlannedDevice): Finding[] {
  const { device } = planned
  if (isMellanox(device)) return mellanoxDriver(planned)
  if (onVfio(device) || isBifurcated(device)) return []
  const { driver } = device
  const words = {
    ...subjectOf(planned),
    needed: 'the driver vfio-pci',
    remedy: `${policyOf(planned)}: spec.deviceType: vfio-pci; by hand on the node: driverctl set-override ${device.address} vfio-pci`,
  }
  if (driver === null) {
    const cause = 'it was unbound and not bound again; vfio-pci may not be loaded on the node'
    return [finding('vf-no-driver', { ...words, found: 'no driver', cause })]
  }
  if (uioDrivers.includes(driver)) {
    const cause = 'UIO writes to /sys, which is read-only in a pod, and gives no protection'
    return [finding('vf-uio', { ...words, found: driver, cause })]
  }
  const cause = 'deviceType is netdevice, the default, which is right for Mellanox only'
  return [finding('vf-kernel-driver', { ...words, found: kernelDriver(driver, device.netdevs), cause })]
}

function mellanoxDriver(planned: PlannedDevice): Finding[] {
  const { driver, address } = planned.device
  if (isBifurcated(planned.device)) return []
  const words = {
    ...subjectOf(planned),
    needed: 'the driver mlx5_core, beside which the PMD works',
    found: driver ?? 'no driver',
    remedy: `${policyOf(planned)}: spec.deviceType: netdevice, spec.isRdma: true; by hand on the node: driverctl unset-override ${address}`,
  }
  if (driver === null) return [finding('vf-no-driver', { ...words, cause: 'it was unbound and not bound again' })]
  return [finding('vf-mellanox-on-vfio', { ...words, cause: 'the policy was copied from one for Intel' })]
}

function subjectOf(planned: PlannedDevice): { subject: string } {
  return { subject: describeDevice(planned) }
}

function policyOf({ resource }: PlannedDevice): string {
  return `SriovNetworkNodePolicy${resource === null ? '' : ` with resourceName: ${resourceNameOf(resource.variable)}`}`
}

function kernelDriver(driver: string, netdevs: readonly string[]): string {
  return netdevs.length === 0 ? driver : `${driver}, with the netdev ${netdevs.join(', ')}`
}

function role(planned: PlannedDevice, { environment }: CheckInput): Finding[] {
  if (planned.device.role !== 'pf') return []
  const words = {
    ...subjectOf(planned),
    needed: 'a VF',
    found: 'a PF',
    ...wordsFor(environment, {
      pod: {
        cause: 'a policy without numVfs, or a device that was named by hand',
        remedy: 'SriovNetworkNodePolicy: spec.numVfs; or Spillway: ports[].device: auto',
      },
      host: {
        cause: 'the whole port was bound to DPDK, which is well if nobody else needs it',
        remedy: `for a VF: echo 1 > /sys/bus/pci/devices/${planned.device.address}/sriov_numvfs, with the driver of the PF`,
      },
    }),
  }
  return [finding('vf-is-pf', words, environment.pod.kubernetes ? 'warning' : 'note')]
}

function vendor({ port, device }: PlannedDevice): Finding[] {
  if (device.vendor !== broadcom) return []
  return [
    finding('vf-broadcom', {
      subject: `port ${port.name}, ${device.address}`,
      needed: 'a VF that keeps its MAC and lets promiscuous mode be',
      found: `Broadcom ${device.vendor}:${device.device ?? '????'} on ${device.driver ?? 'no driver'}`,
      cause: 'vfio-pci works, as public samples show; a change of MAC or promiscuous mode is refused without trust',
      remedy: 'SriovNetwork: spec.trust: "on", spec.spoofChk: "off", if the MACs of VF and tap cannot be the same',
    }),
  ]
}
