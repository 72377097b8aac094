import type { DeviceNode } from '../../environment/types.js'
import { isBifurcated } from '../../plan/drivers.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeOwner, describeProcess, deviceOwnership } from './access.js'
import { describeDevice, type PlannedDevice, plannedDevices } from './planned-devices.js'
import { resourceNameOf } from './resource-name.js'

const codes = {
  'mellanox-uverbs-missing': {
    levels: ['error'],
    meaning: 'no /dev/infiniband/uverbsN for the VF: "No Verbs device matches PCI device"',
    remedyIn: 'SriovNetworkNodePolicy (isRdma)',
  },
  'mellanox-uverbs-refused': {
    levels: ['error'],
    meaning: '/dev/infiniband/uverbsN cannot be opened',
    remedyIn: 'node (mode 0666 or device ownership)',
  },
  'mellanox-rdma-missing': {
    levels: ['warning'],
    meaning: 'sysfs shows no RDMA device of the VF: RDMA network namespaces are exclusive, or mlx5_ib is not loaded',
    remedyIn: 'node (rdma system, secure boot, mlx5_ib)',
  },
  'mellanox-netdev-down': {
    levels: ['warning'],
    meaning: "the VF's netdev is down, and the mlx5 PMD needs NET_ADMIN to set it up",
    remedyIn: 'SriovNetwork (linkState) or node',
  },
  'mellanox-mtu': {
    levels: ['warning'],
    meaning: "ports[].mtu differs from the MTU of the VF's netdev, and the mlx5 PMD needs NET_ADMIN to change it",
    remedyIn: 'SriovNetworkNodePolicy (mtu) or Spillway (ports[].mtu)',
  },
  'mellanox-ok': {
    levels: ['ok'],
    meaning: 'bifurcated VFs have what their PMD needs, or there are none',
    remedyIn: '-',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const mellanoxCheck = {
  name: 'mellanox',
  title: 'Do bifurcated VFs have their RDMA devices?',
  codes,
  run(input) {
    const devices = plannedDevices(input).filter(({ device }) => isBifurcated(device))
    const found = devices.flatMap((planned) => [
      ...uverbs(planned, input),
      ...rdma(planned),
      ...netdevDown(planned, input),
      ...otherMtu(planned, input),
    ])
    if (found.length > 0) return found
    const shown = devices
      .map(({ device }) => `${device.address}: ${device.rdma.join(', ') || device.driver}`)
      .join('; ')
    return [
      finding('mellanox-ok', {
        subject: 'bifurcated VFs',
        needed: 'uverbs and an RDMA device each',
        found: shown || 'none in the plan',
      }),
    ]
  },
} satisfies Check

function uverbs(planned: PlannedDevice, { environment }: CheckInput): Finding[] {
  const { info, resource } = planned
  const nodes = environment.devices.infiniband.filter(({ path }) => path.includes('/uverbs'))
  const mine = nodes.filter(({ path }) => info?.uverbs == null || path === info.uverbs)
  const words = {
    subject: info?.uverbs ?? '/dev/infiniband/uverbs*',
    needed: `read and write, for ${describeDevice(planned)}`,
  }
  if (mine.some(({ state }) => state === 'usable')) return []
  const [refused] = mine.filter(({ state }) => state === 'refused')
  if (refused !== undefined) return [refusedUverbs(refused, describeProcess(environment.process), words)]
  return [
    finding('mellanox-uverbs-missing', {
      ...words,
      found: nodes.length === 0 ? 'no uverbs in this container' : `only ${nodes.map(({ path }) => path).join(', ')}`,
      cause:
        info?.rdmaDevice == null
          ? 'the policy lacks isRdma, so the device plugin brought the VF without its RDMA device'
          : `_INFO promises ${info.rdmaDevice}, but its node is not here`,
      remedy: `SriovNetworkNodePolicy${resource === null ? '' : ` with resourceName: ${resourceNameOf(resource.variable)}`}: spec.isRdma: true, spec.deviceType: netdevice`,
    }),
  ]
}

function refusedUverbs(node: DeviceNode, process: string, words: { subject: string; needed: string }): Finding {
  return finding('mellanox-uverbs-refused', {
    ...words,
    found: `${describeOwner(node.owner)}${node.state === 'usable' ? '' : `, opening gives ${node.error}`}; this process is ${process}`,
    cause: 'its mode is not the usual 0666: the node has no udev rules of rdma-core',
    remedy: `node: install rdma-core (its rules make uverbs 0666); or ${deviceOwnership}`,
  })
}

function rdma({ port, device }: PlannedDevice): Finding[] {
  if (device.rdma.length > 0 || device.driver === 'mana') return []
  return [
    finding('mellanox-rdma-missing', {
      subject: `port ${port.name}, ${device.address}`,
      needed: 'an RDMA device in sysfs (infiniband/…)',
      found: 'none',
      cause:
        'RDMA network namespaces are exclusive and the device stayed on the host, or mlx5_ib is not loaded (secure boot)',
      remedy:
        'node: rdma system set netns shared; modprobe mlx5_ib; or the rdma CNI plugin: SriovNetwork: spec.metaPlugins: \'{"type": "rdma"}\'',
    }),
  ]
}

function netdevDown({ port, device }: PlannedDevice, { environment }: CheckInput): Finding[] {
  const down = environment.netdevs.filter(({ name, up }) => device.netdevs.includes(name) && up === false)
  return down.map(({ name }) =>
    finding('mellanox-netdev-down', {
      subject: `port ${port.name}, ${name}`,
      needed: `${name} up (${device.address})`,
      found: 'it is down',
      cause: 'the sriov CNI did not set it up, or the PF is down; the PMD cannot without NET_ADMIN',
      remedy: 'SriovNetwork: spec.linkState: "enable"; node: ip link set PF up',
    }),
  )
}

function otherMtu({ port, device, resource }: PlannedDevice, { environment }: CheckInput): Finding[] {
  const netdev = environment.netdevs.find(({ name }) => device.netdevs.includes(name))
  const mtuBytes = netdev?.mtuBytes ?? null
  const capable = environment.process.capabilities.effective.includes('CAP_NET_ADMIN')
  if (capable || mtuBytes === null || port.mtuBytes === 0 || port.mtuBytes === mtuBytes) return []
  return [
    finding('mellanox-mtu', {
      subject: `port ${port.name}, ${netdev?.name}`,
      needed: `an MTU of ${port.mtuBytes} bytes`,
      found: `${mtuBytes} bytes, and no CAP_NET_ADMIN to change it`,
      cause: 'the PMD sets the MTU of the netdev, which the kernel allows with NET_ADMIN only',
      remedy: `SriovNetworkNodePolicy${resource === null ? '' : ` with resourceName: ${resourceNameOf(resource.variable)}`}: spec.mtu: ${port.mtuBytes}; or Spillway: ports[].mtu: ${mtuBytes}`,
    }),
  ]
}
