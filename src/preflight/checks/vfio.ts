import type { DeviceNode, Environment } from '../../environment/types.js'
import { onVfio } from '../../plan/drivers.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { accessOf, describeOwner, describeProcess, deviceOwnership, groupRemedy } from './access.js'
import { describeDevice, type PlannedDevice, plannedDevices } from './planned-devices.js'
import { resourceNameOf, resourceOf } from './resource-name.js'

const codes = {
  'vfio-container-missing': {
    levels: ['error'],
    meaning: '/dev/vfio/vfio is not in the container: "cannot open VFIO container, error 2"',
    remedyIn: 'pod spec (resource) and SriovNetworkNodePolicy (deviceType)',
  },
  'vfio-container-refused': {
    levels: ['error'],
    meaning: '/dev/vfio/vfio cannot be opened by this user',
    remedyIn: 'node (mode 0666 or device ownership)',
  },
  'vfio-group-missing': {
    levels: ['error'],
    meaning: 'the VF\'s /dev/vfio/GROUP is not in the container: DPDK says "not managed by VFIO driver, skipping"',
    remedyIn: 'pod spec (resource)',
  },
  'vfio-group-refused': {
    levels: ['error'],
    meaning: "owner and mode of the VF's /dev/vfio/GROUP refuse this user, as with root:hugetlbfs (801) 0660 on RHCOS",
    remedyIn: 'pod spec (supplementalGroups) or node (device ownership)',
  },
  'vfio-group-not-viable': {
    levels: ['error'],
    meaning: 'another device of the IOMMU group is bound to a kernel driver: "VFIO group is not viable"',
    remedyIn: 'node (bind the whole group to vfio-pci, or ACS)',
  },
  'vfio-noiommu': {
    levels: ['error', 'warning'],
    meaning:
      'VFIO without IOMMU needs CAP_SYS_RAWIO, and CAP_SYS_ADMIN and hugepages for physical addresses: not rootless-capable; a warning in a pod that has all of it',
    remedyIn: 'node (IOMMU, or a virtual one) or pod spec (privileged)',
  },
  'vfio-ok': { levels: ['ok'], meaning: 'every VFIO node of the plan can be opened, or there is none', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const vfioCheck = {
  name: 'vfio',
  title: 'Can VFIO devices be opened?',
  codes,
  run(input) {
    const devices = plannedDevices(input).filter(({ device }) => onVfio(device))
    if (devices.length === 0) {
      return [
        finding('vfio-ok', {
          subject: 'VFIO',
          needed: 'nothing: no port is bound to vfio-pci',
          found: 'no VFIO device in the plan',
        }),
      ]
    }
    const { vfioContainer } = input.environment.devices
    const found = [
      ...(vfioContainer.state === 'usable' ? [] : [container(vfioContainer, devices, input.environment)]),
      // Both nodes come with a VF: where the first is missing, the second has the same story.
      ...(vfioContainer.state === 'missing' ? [] : devices.flatMap((planned) => group(planned, input))),
      ...devices.flatMap((planned) => [...noIommu(planned, input), ...notViable(planned)]),
    ]
    return found.length > 0 ? found : [usable(devices)]
  },
} satisfies Check

function usable(devices: readonly PlannedDevice[]): Finding {
  const groups = devices.map(({ device }) => `/dev/vfio/${device.iommuGroup ?? '?'}`)
  return finding('vfio-ok', {
    subject: 'VFIO',
    needed: `read and write for ${devices.map(describeDevice).join(', ')}`,
    found: `/dev/vfio/vfio and ${groups.join(', ')} can be opened`,
  })
}

function container(node: DeviceNode, devices: readonly PlannedDevice[], { process }: Environment): Finding {
  const needed = `read and write, for ${devices.map(describeDevice).join('; ')}`
  if (node.state === 'missing') {
    return finding('vfio-container-missing', {
      subject: node.path,
      needed,
      found: 'no such device in this container',
      cause: 'the device plugin brings it with a vfio-pci VF that this container requests; this container got none',
      remedy: `pod spec: resources.limits: {${requested(devices)}: "1"} in this container; SriovNetworkNodePolicy: spec.deviceType: vfio-pci`,
    })
  }
  return finding('vfio-container-refused', {
    subject: node.path,
    needed,
    found: `${describeOwner(node.owner)}; this process is ${describeProcess(process)}`,
    cause: 'it is 0666 once the module vfio is loaded on most nodes, 0600 on some',
    remedy: `node: udev rule KERNEL=="vfio", MODE="0666"; or ${deviceOwnership}`,
  })
}

/** The resource to request, by its name where a variable tells it. */
function requested(devices: readonly PlannedDevice[]): string {
  const resource = devices.find((planned) => planned.resource !== null)?.resource
  return resource == null ? 'openshift.io/RESOURCE' : resourceOf(resource.variable)
}

/** Opening such a group asks for SYS_RAWIO, and pagemap shows physical addresses to SYS_ADMIN alone: both of the first user namespace. */
const noIommuCapabilities = ['CAP_SYS_RAWIO', 'CAP_SYS_ADMIN']

function noIommu({ port, device }: PlannedDevice, { environment: { process }, plan }: CheckInput): Finding[] {
  if (!device.noIommu) return []
  const { effective } = process.capabilities
  const lacking = [
    ...noIommuCapabilities.filter((capability) => process.userNamespace || !effective.includes(capability)),
    ...(plan.memory.pageSize === 'none' ? ['hugepages'] : []),
  ]
  const words = {
    subject: `port ${port.name}, ${device.address}`,
    needed: `an IOMMU; without one ${noIommuCapabilities.join(', ')} and hugepages, for physical addresses: this is not rootless-capable`,
    found: `a group without IOMMU (enable_unsafe_noiommu_mode)${lacking.length > 0 ? `, and no ${lacking.join(', no ')}` : '; the device may write to any memory of the machine'}`,
    cause: 'the node is a virtual machine without a virtual IOMMU, or the IOMMU is switched off',
    remedy:
      'node: intel_iommu=on or amd_iommu=on on the kernel command line; in a virtual machine a vIOMMU (QEMU: -device intel-iommu); or a privileged pod that runs as root, with hugepages',
  }
  return [finding('vfio-noiommu', words, lacking.length > 0 ? 'error' : 'warning')]
}

function group(planned: PlannedDevice, { environment }: CheckInput): Finding[] {
  const { device, port, info } = planned
  const path = info?.vfioGroup ?? `/dev/vfio/${device.iommuGroup ?? 'GROUP'}`
  const node = environment.devices.vfioGroups.find(
    (candidate) => candidate.path === path || candidate.group === device.iommuGroup,
  )
  const words = { subject: path, needed: `read and write, for ${describeDevice({ ...planned, port })}` }
  // Without its group in sysfs nobody can say which node is the device's.
  const unknown = device.iommuGroup === null && info?.vfioGroup == null && environment.devices.vfioGroups.length > 0
  if (unknown || node?.state === 'usable') return []
  if (node === undefined || node.state === 'missing') return [missing(planned, environment, words)]
  return [refused(node, environment, words)]
}

type Words = { subject: string; needed: string }

function missing({ resource, device }: PlannedDevice, { devices }: Environment, words: Words): Finding {
  const others = devices.vfioGroups.map(({ path }) => path)
  return finding('vfio-group-missing', {
    ...words,
    found: others.length === 0 ? 'no VFIO group in this container' : `only ${others.join(', ')}`,
    cause:
      resource === null
        ? `no PCIDEVICE_… variable of this container names ${device.address}: it belongs to another container or to nobody`
        : `${resource.variable} names ${device.address}, but the runtime did not put the node in (CDI, or the VF was bound to vfio-pci after the device plugin looked)`,
    remedy:
      resource === null
        ? 'pod spec: request the resource in this container; or Spillway: ports[].device: auto, which takes the devices of this container'
        : `restart the device plugin pod, then the pod; SriovNetworkNodePolicy of ${resourceNameOf(resource.variable)}: spec.deviceType: vfio-pci`,
  })
}

function refused(node: DeviceNode & { state: 'refused' | 'missing' }, { process }: Environment, words: Words): Finding {
  const { owner } = node
  const found = `${describeOwner(owner)}, opening would give ${node.error}; this process is ${describeProcess(process)}`
  const byGroup = owner === null ? null : groupRemedy(node.path, owner)
  if (owner !== null && accessOf(owner, process).allowed) {
    return finding('vfio-group-refused', {
      ...words,
      found,
      cause: 'mode and owner allow it, so the device cgroup (EPERM) or SELinux (EACCES) refuses',
      remedy:
        'pod spec: request the device from the device plugin instead of mounting /dev/vfio; node: setsebool container_use_devices=on',
    })
  }
  return finding('vfio-group-refused', {
    ...words,
    found,
    cause:
      byGroup === null
        ? 'the node belongs to root alone: the runtime gives devices the owner they have on the host'
        : `the process is not in group ${owner?.gid}; with supplementalGroupsPolicy: Strict groups of the image's /etc/group do not count`,
    remedy: byGroup ?? deviceOwnership,
  })
}

function notViable({ port, device }: PlannedDevice): Finding[] {
  const bound = device.groupPeers.filter(
    ({ driver }) => driver !== null && !['vfio-pci', 'pcieport', 'pci-stub'].includes(driver),
  )
  if (bound.length === 0) return []
  return [
    finding('vfio-group-not-viable', {
      subject: `/dev/vfio/${device.iommuGroup}`,
      needed: `every device of the group bound to vfio-pci, for port ${port.name}, ${device.address}`,
      found: bound.map(({ address, driver }) => `${address} is bound to ${driver}`).join(', '),
      cause: 'the IOMMU cannot keep these devices apart: no ACS on the way, or several functions of one card',
      remedy: `node: driverctl set-override ${bound[0]?.address} vfio-pci for each; or a slot, BIOS setting or VF with an IOMMU group of its own`,
    }),
  ]
}
