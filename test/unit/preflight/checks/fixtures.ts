import type {
  DeviceNode,
  Environment,
  Hugepages,
  NetworkStatus,
  PluginDeviceInfo,
  ProcessEnvironment,
} from '../../../../src/environment/types.js'
import { draftPlan } from '../../../../src/plan/plan.js'
import type { Plan } from '../../../../src/plan/types.js'
import { runChecks } from '../../../../src/preflight/run-checks.js'
import type { CheckInput, Finding } from '../../../../src/preflight/types.js'
import { config, hugepages, machine, netdev, tap, usableDevice, vf } from '../../plan/fixtures.js'

export const vfAddress = '0000:3b:02.4'
export const otherVfAddress = '0000:3b:02.5'
export const variable = 'PCIDEVICE_OPENSHIFT_IO_SRIOVNIC'
export const mac = '02:00:00:00:00:10'

/** What is said about a pod in a test; everything else is as where all is well. */
export interface Said {
  readonly settings?: Record<string, string>
  readonly environment?: Partial<Environment>
  readonly process?: Partial<ProcessEnvironment>
  readonly kernel?: Partial<Environment['kernel']>
  readonly devices?: Partial<Environment['devices']>
  readonly pod?: Partial<Environment['pod']>
  readonly cpus?: Partial<Environment['cpus']>
  readonly runtimeDirectory?: Partial<Environment['runtimeDirectory']>
  /** Of the plan that was made, for what is hard to bring about. */
  readonly plan?: (plan: Plan) => Plan
}

/** A pod in which all is well: an Intel VF on vfio-pci, a tap on vhost-net, hugepages, four CPUs of its own, IPC_LOCK. */
export function pod(said: Said = {}): Environment {
  const base = machine()
  return {
    ...base,
    numaNodes: [
      { id: 0, cpus: [2, 3, 4, 5] },
      { id: 1, cpus: [6, 7, 8, 9] },
    ],
    hugepages: [pages('2Mi', 512, { limit: 512 })],
    netdevs: [netdev('lo', { kind: 'loopback' }), netdev('eth0'), theTap()],
    pciDevices: [vf(vfAddress)],
    devicePlugin: [resource(vfAddress)],
    ...said.environment,
    cpus: {
      ...base.cpus,
      allowed: [2, 3, 4, 5],
      online: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      cores: [[2], [3], [4], [5]],
      ...said.cpus,
    },
    process: { ...base.process, capabilities: capabilities(['CAP_IPC_LOCK']), ...said.process },
    kernel: { ...base.kernel, vhost: { maxMemRegions: 64 }, containerRuntime: 'cri-o', ...said.kernel },
    devices: { ...healthyDevices(), ...said.devices },
    pod: { ...base.pod, kubernetes: true, podnetinfo: true, status: [vfStatus(), tapStatus()], ...said.pod },
    runtimeDirectory: { ...base.runtimeDirectory, ...said.runtimeDirectory },
  }
}

function healthyDevices(): Environment['devices'] {
  return {
    vhostNet: usableDevice('/dev/vhost-net'),
    tun: usableDevice('/dev/net/tun'),
    vfioContainer: usableDevice('/dev/vfio/vfio'),
    vfioGroups: [{ ...usableDevice('/dev/vfio/42'), group: 42 }],
    infiniband: [],
  }
}

export function theTap(changes: Parameters<typeof tap>[1] = {}) {
  return { ...tap('ext0', changes), addresses: ['192.0.2.10/24'] }
}

export function vfStatus(changes: Partial<NetworkStatus> = {}): NetworkStatus {
  return {
    network: 'test/sriov-network',
    netdev: 'net1',
    mac,
    mtuBytes: 1500,
    ips: [],
    default: false,
    device: { type: 'pci', pciAddress: vfAddress, rdmaDevice: null, path: null },
    ...changes,
  }
}

export function tapStatus(changes: Partial<NetworkStatus> = {}): NetworkStatus {
  return { ...vfStatus(), network: 'test/tap-one', netdev: 'ext0', device: null, ...changes }
}

export function resource(address: string, info: Partial<PluginDeviceInfo> | null = {}) {
  const none = { vfioContainer: null, vfioGroup: null, vhostNet: null, tun: null, rdmaDevice: null, uverbs: null }
  return {
    variable,
    addresses: [address],
    malformed: [],
    info: info === null ? null : { [address]: { ...none, ...info } },
    infoProblem: null,
  }
}

export function pages(
  size: Hugepages['size'],
  free: number,
  cgroup: { limit: number | null; used?: number },
): Hugepages {
  const { limit, used = 0 } = cgroup
  const available = limit === null ? free : Math.min(free, limit - used)
  return { ...hugepages(size, free), cgroup: { limit, used }, available }
}

/** Granted by the pod and effective, as `spillway-launch` leaves it. */
export function capabilities(effective: readonly string[], bounding: readonly string[] = effective) {
  return { effective, permitted: effective, inheritable: effective, bounding, ambient: effective }
}

export const noCapability = { capabilities: capabilities([]) }

export function refused(path: string, error: string, mode: number, uid = 0, gid = 0): DeviceNode {
  return { path, owner: { mode, uid, gid }, state: 'refused', error }
}

/** A bifurcated ConnectX VF in the pod. */
export function mellanox(changes: Said = {}): Said {
  const device = vf(vfAddress, {
    vendor: '15b3',
    device: '101e',
    driver: 'mlx5_core',
    netdevs: ['net1'],
    rdma: ['mlx5_4'],
  })
  return {
    ...changes,
    environment: {
      pciDevices: [device],
      devicePlugin: [resource(vfAddress, { rdmaDevice: 'mlx5_4', uverbs: '/dev/infiniband/uverbs4' })],
      netdevs: [netdev('lo', { kind: 'loopback' }), theTap(), netdev('net1', { mac, pciAddress: vfAddress })],
      ...changes.environment,
    },
    process: { capabilities: capabilities(['CAP_NET_RAW', 'CAP_IPC_LOCK']), ...changes.process },
    devices: { infiniband: [usableDevice('/dev/infiniband/uverbs4')], ...changes.devices },
  }
}

export function inputOf(said: Said = {}): CheckInput {
  const environment = pod(said)
  const effective = config(said.settings)
  const { plan, problems } = draftPlan(effective, environment)
  return { config: effective, environment, plan: said.plan?.(plan) ?? plan, problems }
}

export function findingsOf(said: Said = {}): Finding[] {
  return runChecks(inputOf(said))
}
