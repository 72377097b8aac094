import type { HugepageSize } from '../config/terms.js'

/** What the pod (or machine) gives, as far as the plan asks for it. Plain data: it can be printed and made up. */
export interface Environment {
  readonly cpus: CpuEnvironment
  readonly numaNodes: number
  /** One entry per page size of this kernel, smallest first. */
  readonly hugepages: readonly Hugepages[]
  readonly process: ProcessEnvironment
  readonly kernelRelease: string
  readonly devices: { readonly vhostNet: DeviceAccess; readonly tun: DeviceAccess }
  /** Netdevs of this network namespace. */
  readonly netdevs: readonly string[]
  readonly pciDevices: readonly PciDevice[]
  /** What device plugins promised, by variable. */
  readonly devicePlugin: readonly PluginDevices[]
  /** Where EAL keeps its files when nobody says otherwise. */
  readonly runtimeDirectory: string
}

export interface CpuEnvironment {
  /** CPUs this process may use, ascending. */
  readonly allowed: readonly number[]
  readonly online: readonly number[]
  /** CPUs that the kernel keeps other tasks away from (`isolcpus`). */
  readonly isolated: readonly number[]
  /** CPU time the cgroup may use, in CPUs; null without a limit. */
  readonly quota: number | null
}

export interface Hugepages {
  readonly size: HugepageSize
  readonly total: number
  /** Free on the machine, or what the cgroup still allows when that is less. */
  readonly free: number
}

export interface ProcessEnvironment {
  readonly uid: number
  readonly gid: number
  /** The effective set by name, e.g. `CAP_IPC_LOCK`. */
  readonly capabilities: readonly string[]
}

/** Whether a device node can be opened for reading and writing; `error` is the reason when not, e.g. EACCES. */
export type DeviceAccess =
  | { readonly path: string; readonly state: 'usable' }
  | { readonly path: string; readonly state: 'missing' | 'refused'; readonly error: string }

export interface PciDevice {
  readonly address: string
  /** The kernel driver it is bound to; null when none. */
  readonly driver: string | null
  readonly numaNode: number | null
}

export interface PluginDevices {
  readonly variable: string
  readonly addresses: readonly string[]
}
