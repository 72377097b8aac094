import type { HugepageSize } from '../config/terms.js'

/**
 * What the pod (or machine) gives: files, variables and limits as they were found, with no opinion about them.
 * Plain data that JSON can carry: it can be printed, compared and made up. `null` stands for "the host does not say".
 */
export interface Environment {
  readonly cpus: CpuEnvironment
  /** Ascending; a kernel without NUMA has the one node 0. */
  readonly numaNodes: readonly NumaNode[]
  /** One entry per page size of this kernel, smallest first. */
  readonly hugepages: readonly Hugepages[]
  readonly hugetlbMounts: readonly HugetlbMount[]
  /** What the memory cgroup lets this container use; null without a limit. */
  readonly memoryLimitBytes: number | null
  readonly process: ProcessEnvironment
  readonly kernel: KernelEnvironment
  readonly devices: DeviceNodes
  /** Netdevs of this network namespace, in the kernel's order. */
  readonly netdevs: readonly Netdev[]
  readonly pciDevices: readonly PciDevice[]
  /** What device plugins promised, by variable, sorted by its name. */
  readonly devicePlugin: readonly PluginResource[]
  readonly pod: PodEnvironment
  readonly runtimeDirectory: RuntimeDirectory
  /** TCP addresses of this network namespace at which a program listens. */
  readonly listening: readonly ListeningAddress[]
}

export interface ListeningAddress {
  /** `0.0.0.0` and `::` are all of a family. */
  readonly address: string
  readonly port: number
}

export interface CpuEnvironment {
  /** CPUs this process may use, ascending; before the launcher narrowed them, when it did. */
  readonly allowed: readonly number[]
  readonly online: readonly number[]
  /** CPUs that the kernel keeps other tasks away from (`isolcpus`). */
  readonly isolated: readonly number[]
  readonly nohzFull: readonly number[]
  /** CPU time the cgroup may use, in CPUs; null without a limit. */
  readonly quota: number | null
  /** The cgroup's weight in shares as cgroup v1 counts them: Kubernetes gives 1024 for each CPU requested. Null when unknown. */
  readonly shares: number | null
  /** Periods in which the cgroup was held back by its quota; null when the cgroup does not say. */
  readonly throttledPeriods: number | null
  readonly cgroupVersion: 1 | 2 | null
  /** The cgroup's own list; null when there is none to read. */
  readonly cgroupCpuset: readonly number[] | null
  /** False where the runtime switched the scheduler's load balancing off for these CPUs: a thread then stays where it is. */
  readonly loadBalancing: boolean
  /** SMT: the online CPUs by physical core, each ascending, in the order of their first CPU. */
  readonly cores: readonly (readonly number[])[]
  /** OPENSHIFT_ISOLATED_CPUS and OPENSHIFT_SHARED_CPUS of a pod with mixed CPUs. */
  readonly mixed: { readonly isolated: readonly number[]; readonly shared: readonly number[] } | null
}

export interface NumaNode {
  readonly id: number
  readonly cpus: readonly number[]
}

export interface Hugepages {
  readonly size: HugepageSize
  /** Pages of the machine. */
  readonly total: number
  readonly free: number
  /** By NUMA node, ascending. Empty when the kernel does not say. */
  readonly nodes: readonly { readonly numaNode: number; readonly total: number; readonly free: number }[]
  /** The hugetlb cgroup, in pages; limit null without one. */
  readonly cgroup: { readonly limit: number | null; readonly used: number }
  /** What a process of this pod can still take: free, or the cgroup's room when that is less. */
  readonly available: number
}

export interface HugetlbMount {
  readonly path: string
  /** Null: a size that Spillway does not know. */
  readonly pageSize: HugepageSize | null
  readonly owner: FileOwner | null
  readonly writable: boolean
  /** Files named `*map_*` that a DPDK program without --in-memory left, which keep their pages. */
  readonly leftovers: number
}

export interface FileOwner {
  /** Permission bits, e.g. 0o660. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface ProcessEnvironment {
  /** Effective ids: they decide about taps and device nodes. */
  readonly uid: number
  readonly gid: number
  /** Supplementary groups, ascending. */
  readonly groups: readonly number[]
  readonly capabilities: CapabilitySets
  readonly noNewPrivs: boolean
  readonly seccomp: 'off' | 'strict' | 'filter' | 'unknown'
  /** RLIMIT_MEMLOCK; null when unlimited. */
  readonly memlockBytes: number | null
  /** RLIMIT_NOFILE, soft; null when unlimited. */
  readonly openFiles: number | null
  /** AT_SECURE of the program that runs: the loader and Node then ignore parts of the environment. */
  readonly secureExecution: boolean
  /** False when the process may not read its own /proc files. */
  readonly dumpable: boolean
  readonly selinuxContext: string | null
  /** True when uids are mapped (a pod with `hostUsers: false`, or the lab). */
  readonly userNamespace: boolean
  /** Whether `spillway-launch` started us; it hands over the CPUs that were allowed before it narrowed them. */
  readonly launched: boolean
}

/** By name, e.g. `CAP_IPC_LOCK`, in the order of their numbers. */
export interface CapabilitySets {
  readonly effective: readonly string[]
  readonly permitted: readonly string[]
  readonly inheritable: readonly string[]
  readonly bounding: readonly string[]
  readonly ambient: readonly string[]
}

export interface KernelEnvironment {
  readonly release: string
  /** Parameters of the module vhost; null when it is not loaded. */
  readonly vhost: { readonly maxMemRegions: number } | null
  /** enable_unsafe_noiommu_mode of the module vfio. */
  readonly unsafeNoIommu: boolean
  readonly selinux: { readonly enforcing: boolean | null; readonly containerUseDevices: boolean | null } | null
  /** The last AVC denials about tun_socket, vhost and vfio that a readable log shows; most pods cannot read one. */
  readonly avcDenials: readonly string[]
  readonly rootReadOnly: boolean
  /** What the container looks like from inside; null on a bare host. */
  readonly containerRuntime: 'cri-o' | 'containerd' | 'docker' | 'podman' | 'kata' | 'unknown' | null
}

export interface DeviceNodes {
  readonly vhostNet: DeviceNode
  readonly tun: DeviceNode
  /** /dev/vfio/vfio, the VFIO container. */
  readonly vfioContainer: DeviceNode
  /** /dev/vfio/<group>, ascending. */
  readonly vfioGroups: readonly (DeviceNode & { readonly group: number })[]
  /** /dev/infiniband/*. */
  readonly infiniband: readonly DeviceNode[]
}

/** Whether a device node can be opened for reading and writing; `error` is the reason when not, e.g. EACCES. */
export type DeviceNode = { readonly path: string; readonly owner: FileOwner | null } & (
  | { readonly state: 'usable' }
  | { readonly state: 'missing' | 'refused'; readonly error: string }
)

export interface Netdev {
  readonly name: string
  /** `unknown`: sysfs shows another network namespace, so nothing but the name is known. */
  readonly kind:
    | 'tap'
    | 'tun'
    | 'vlan'
    | 'macvlan'
    | 'ipvlan'
    | 'bridge'
    | 'veth'
    | 'device'
    | 'loopback'
    | 'other'
    | 'unknown'
  readonly mac: string | null
  readonly mtuBytes: number | null
  /** IFF_UP. */
  readonly up: boolean | null
  /** Of a tap: whether a program is attached to it. */
  readonly carrier: boolean | null
  readonly tap: TapAttributes | null
  /** The netdev below a VLAN, macvlan or ipvlan. */
  readonly parent: string | null
  /** The bridge it is a port of. */
  readonly bridge: string | null
  readonly pciAddress: string | null
  /** With prefix length, e.g. 10.0.0.2/24, as far as the routing tables show them. */
  readonly addresses: readonly string[]
  /** Destinations that leave by this netdev, e.g. 10.0.0.0/24 or 0.0.0.0/0. */
  readonly routes: readonly string[]
}

/** @see linux/if_tun.h for the bits of tun_flags */
export interface TapAttributes {
  readonly multiQueue: boolean
  readonly vnetHdr: boolean
  readonly persistent: boolean
  /** Null: anybody. */
  readonly owner: number | null
  readonly group: number | null
}

/**
 * A device of the machine. Of devices that nobody promised to the pod only the ids and the driver are read, and of
 * the first 128 network devices role and NUMA node too: a node may have a thousand, and a pod needs one.
 */
export interface PciDevice {
  /** Domain, bus, device and function in lower case, e.g. 0000:3b:02.4. */
  readonly address: string
  /** Four hexadecimal digits, e.g. 15b3. */
  readonly vendor: string | null
  readonly device: string | null
  /** The kernel driver it is bound to; null when none. */
  readonly driver: string | null
  /** Whether its class is that of a network controller; null when sysfs does not show the class. */
  readonly network: boolean | null
  readonly numaNode: number | null
  readonly iommuGroup: number | null
  /** The group exists only because VFIO runs without an IOMMU. */
  readonly noIommu: boolean
  /** Other devices of the IOMMU group with their drivers. */
  readonly groupPeers: readonly { readonly address: string; readonly driver: string | null }[]
  readonly role: 'pf' | 'vf' | 'other'
  /** Of a VF: the address of its PF, when sysfs shows it. */
  readonly pf: string | null
  readonly netdevs: readonly string[]
  /** RDMA devices, e.g. mlx5_4. */
  readonly rdma: readonly string[]
}

/** One resource of a device plugin: PCIDEVICE_<PREFIX>_<RESOURCE> and its _INFO. */
export interface PluginResource {
  readonly variable: string
  readonly addresses: readonly string[]
  /** Words of the list that are no PCI addresses, by their first letters and their length. */
  readonly malformed: readonly string[]
  /** By PCI address; null without a readable _INFO. */
  readonly info: Readonly<Record<string, PluginDeviceInfo>> | null
  /** Why _INFO could not be read. */
  readonly infoProblem: string | null
}

/** What _INFO says of a device, whichever spelling it used. Paths are those in the container. */
export interface PluginDeviceInfo {
  readonly vfioContainer: string | null
  readonly vfioGroup: string | null
  readonly vhostNet: string | null
  readonly tun: string | null
  readonly rdmaDevice: string | null
  readonly uverbs: string | null
}

export interface PodEnvironment {
  /** KUBERNETES_SERVICE_HOST or a service account says so. */
  readonly kubernetes: boolean
  /** CONTAINER_NAME, from the network resources injector. */
  readonly containerName: string | null
  /** Whether /etc/podnetinfo is there. */
  readonly podnetinfo: boolean
  /** The request, k8s.v1.cni.cncf.io/networks; null without one. */
  readonly requested: readonly NetworkRequest[] | null
  /** k8s.v1.cni.cncf.io/network-status or networks-status; null when it is not there (yet). */
  readonly status: readonly NetworkStatus[] | null
  /** Annotations of the runtime, such as cpu-quota.crio.io, by name. */
  readonly runtimeAnnotations: Readonly<Record<string, string>>
  /** What could not be read in the annotations, one line each. */
  readonly problems: readonly string[]
  /** /etc/podnetinfo/hugepages_*. */
  readonly hugepages: readonly PodHugepages[]
}

export interface NetworkRequest {
  /** namespace/name, or the name alone. */
  readonly network: string
  readonly netdev: string | null
  readonly mac: string | null
  readonly ips: readonly string[]
}

export interface NetworkStatus {
  readonly network: string
  readonly netdev: string | null
  readonly mac: string | null
  readonly mtuBytes: number | null
  readonly ips: readonly string[]
  readonly default: boolean
  readonly device: {
    /** pci, vdpa, vhost-user, memif, … */
    readonly type: string
    readonly pciAddress: string | null
    readonly rdmaDevice: string | null
    /** Socket path of a vhost-user or memif device. */
    readonly path: string | null
  } | null
}

export interface PodHugepages {
  readonly container: string
  readonly size: HugepageSize | null
  readonly kind: 'request' | 'limit'
  readonly mib: number
}

/** Where EAL keeps its files when nobody says otherwise. */
export interface RuntimeDirectory {
  readonly path: string
  readonly from: 'RUNTIME_DIRECTORY' | 'XDG_RUNTIME_DIR' | 'default'
  readonly writable: boolean
  /** The folder for temporary files: where `run` and `exec` go when they cannot write to this one. */
  readonly fallback: { readonly path: string; readonly writable: boolean }
  /** Prefixes of other EALs whose folders lie in it. */
  readonly prefixes: readonly { readonly prefix: string; readonly alive: boolean }[]
}
