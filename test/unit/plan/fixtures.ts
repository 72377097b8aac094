import { loadConfig } from '../../../src/config/load.js'
import type { Config } from '../../../src/config/schema.js'
import type {
  DeviceNode,
  Environment,
  Hugepages,
  Netdev,
  PciDevice,
  PluginResource,
  TapAttributes,
} from '../../../src/environment/types.js'
import { SpillwayError } from '../../../src/errors.js'
import { makePlan } from '../../../src/plan/plan.js'
import type { Plan } from '../../../src/plan/types.js'

/** A configuration from settings as one would type them: `{ burst: '64', ports: '[{ device: net_null0 }]' }`. */
export function config(settings: Record<string, string> = {}): Config {
  const flags = Object.entries(settings).map(([path, text]) => ({ flag: '--set', path, text }))
  return loadConfig({ flags }).config
}

/** A made-up netdev: up, without addresses; what is not said is as the kernel has it by default. */
export function netdev(name: string, changes: Partial<Netdev> = {}): Netdev {
  return {
    name,
    kind: 'device',
    mac: '02:00:00:00:00:01',
    mtuBytes: 1500,
    up: true,
    carrier: true,
    tap: null,
    parent: null,
    bridge: null,
    pciAddress: null,
    addresses: [],
    routes: [],
    ...changes,
  }
}

/** A made-up tap as the tap CNI plugin makes it: nobody's, multi-queue, nobody attached. */
export function tap(name: string, changes: Partial<TapAttributes> = {}): Netdev {
  const attributes = { multiQueue: true, vnetHdr: false, persistent: true, owner: null, group: null, ...changes }
  return netdev(name, { kind: 'tap', mac: '02:00:00:00:00:10', carrier: false, tap: attributes })
}

/** A made-up VF. */
export function vf(address: string, changes: Partial<PciDevice> = {}): PciDevice {
  return {
    address,
    vendor: '8086',
    device: '154c',
    driver: 'vfio-pci',
    network: true,
    numaNode: 0,
    iommuGroup: 42,
    noIommu: false,
    groupPeers: [],
    role: 'vf',
    pf: null,
    netdevs: [],
    rdma: [],
    ...changes,
  }
}

/** What a device plugin promised, without _INFO. */
export function promised(variable: string, ...addresses: string[]): PluginResource {
  return { variable, addresses, malformed: [], info: null, infoProblem: null }
}

/** Pages of one NUMA node and without a cgroup. */
export function hugepages(size: Hugepages['size'], total: number, free = total): Hugepages {
  return { size, total, free, nodes: [{ numaNode: 0, total, free }], cgroup: { limit: null, used: 0 }, available: free }
}

const noCapabilities = { effective: [], permitted: [], inheritable: [], bounding: [], ambient: [] }

/** A made-up machine: four CPUs, shared; no hugepages; tun but no vhost-net; one tap and one netdev to use as VF. */
export function machine(changes: Partial<Environment> = {}): Environment {
  return {
    cpus: {
      allowed: [0, 1, 2, 3],
      online: [0, 1, 2, 3],
      isolated: [],
      nohzFull: [],
      quota: null,
      shares: null,
      throttledPeriods: null,
      cgroupVersion: 2,
      cgroupCpuset: null,
      loadBalancing: true,
      cores: [[0], [1], [2], [3]],
      mixed: null,
    },
    numaNodes: [{ id: 0, cpus: [0, 1, 2, 3] }],
    hugepages: [hugepages('2Mi', 0)],
    hugetlbMounts: [],
    memoryLimitBytes: null,
    process: {
      uid: 1001,
      gid: 1001,
      groups: [],
      capabilities: noCapabilities,
      noNewPrivs: false,
      seccomp: 'off',
      memlockBytes: 8 * 1024 * 1024,
      openFiles: 1_048_576,
      secureExecution: false,
      dumpable: true,
      selinuxContext: null,
      userNamespace: false,
      launched: false,
    },
    kernel: {
      release: '6.1.0',
      vhost: null,
      unsafeNoIommu: false,
      selinux: null,
      avcDenials: [],
      rootReadOnly: false,
      containerRuntime: null,
    },
    devices: {
      vhostNet: missingDevice('/dev/vhost-net'),
      tun: usableDevice('/dev/net/tun'),
      vfioContainer: missingDevice('/dev/vfio/vfio'),
      vfioGroups: [],
      infiniband: [],
    },
    netdevs: [netdev('lo', { kind: 'loopback' }), netdev('eth0'), netdev('vf0'), tap('ext0')],
    pciDevices: [],
    devicePlugin: [],
    pod: {
      kubernetes: false,
      containerName: null,
      podnetinfo: false,
      requested: null,
      status: null,
      runtimeAnnotations: {},
      problems: [],
      hugepages: [],
    },
    runtimeDirectory: {
      path: '/tmp',
      from: 'default',
      writable: true,
      fallback: { path: '/tmp', writable: true },
      prefixes: [],
    },
    listening: [],
    ...changes,
  }
}

export function usableDevice(path: string): DeviceNode {
  return { path, owner: { mode: 0o666, uid: 0, gid: 0 }, state: 'usable' }
}

export function missingDevice(path: string): DeviceNode {
  return { path, owner: null, state: 'missing', error: 'ENOENT' }
}

export function refusedDevice(path: string, error = 'EACCES'): DeviceNode {
  return { path, owner: { mode: 0o600, uid: 0, gid: 0 }, state: 'refused', error }
}

export const nullPort = { ports: '[{ device: net_null0 }]' }

export function plan(settings: Record<string, string> = nullPort, environment = machine()): Plan {
  return makePlan(config(settings), environment)
}

/** What the plan says about a subject. */
export function decision(made: Plan, subject: string) {
  return made.decisions.find((candidate) => candidate.subject === subject)
}

/** The error that `act` throws, which has to be ours. */
export function refusal(act: () => unknown): SpillwayError {
  try {
    act()
  } catch (error) {
    if (error instanceof SpillwayError) return error
    throw error
  }
  throw new Error('expected a SpillwayError, and nothing was thrown')
}
