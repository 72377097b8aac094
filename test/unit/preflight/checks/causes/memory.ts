import { hugepages } from '../../../plan/fixtures.js'
import { capabilities, mellanox, noCapability, pages } from '../fixtures.js'
import { container, host } from './pods.js'
import type { Row } from './row.js'

function mount(changes: { writable?: boolean; leftovers?: number; pageSize?: null }) {
  const owner = { mode: 0o755, uid: 0, gid: 0 }
  return { path: '/mnt/huge', pageSize: '2Mi' as const, owner, writable: true, leftovers: 0, ...changes }
}

export const memory: readonly Row[] = [
  [
    'no hugepages',
    { environment: { hugepages: [hugepages('2Mi', 0)] } },
    'hugepages-none',
    'warning',
    /PerformanceProfile: spec\.hugepages\.pages: \[\{size: 2M/,
  ],
  [
    'no hugepages where the settings insist',
    { environment: { hugepages: [hugepages('2Mi', 0)] }, settings: { 'memory.pageSize': '2Mi' } },
    'hugepages-none',
    'error',
    /hugepages of 2Mi/,
  ],
  [
    'a hugetlb cgroup that is too small',
    { environment: { hugepages: [pages('2Mi', 512, { limit: 4 })] } },
    'hugepages-cgroup-limit',
    'warning',
    /limit is 8 MiB.*hugepages-2Mi: \d+Mi/,
  ],
  [
    'a pod that requests no hugepages',
    { environment: { hugepages: [pages('2Mi', 512, { limit: 0 })] } },
    'hugepages-cgroup-limit',
    'warning',
    /requests no hugepages-2Mi/,
  ],
  [
    'hugepages that others hold',
    { environment: { hugepages: [{ ...hugepages('2Mi', 512, 3) }] } },
    'hugepages-in-use',
    'warning',
    /leftover files/,
  ],
  [
    '1Gi asked, 2Mi there',
    {
      environment: { hugepages: [hugepages('2Mi', 512), hugepages('1Gi', 0)] },
      settings: { 'memory.pageSize': '1Gi' },
    },
    'hugepages-other-size',
    'error',
    /hugepages of 2Mi, and memory\.pageSize asks for 1Gi.*pageSize: 2Mi/,
  ],
  [
    'a limit that only the downward API shows',
    {
      environment: { hugepages: [pages('2Mi', 512, { limit: null })] },
      pod: { hugepages: [{ container: 'app', size: '2Mi', kind: 'limit', mib: 16 }] },
    },
    'hugepages-over-pod-limit',
    'warning',
    /limit of 16 MiB for container app/,
  ],
  [
    'a program of exec with more than that limit',
    {
      environment: { hugepages: [pages('2Mi', 512, { limit: null })] },
      pod: { hugepages: [{ container: 'app', size: '2Mi', kind: 'limit', mib: 600 }] },
      plan: (plan) => ({ ...plan, program: { ...plan.program, memory: { pageSize: '2Mi', mib: 1022 } } }),
    },
    'hugepages-over-pod-limit',
    'warning',
    /1022 MiB for the program of exec.*limit of 600 MiB/,
  ],
  [
    'the last page of the pod',
    { plan: (plan) => ({ ...plan, memory: { ...plan.memory, pageSize: '2Mi', mib: 1024 } }) },
    'hugepages-no-headroom',
    'note',
    /hugepages-2Mi: 1026Mi/,
  ],
  [
    'a hugetlbfs of root',
    { environment: { hugetlbMounts: [mount({ writable: false })] } },
    'hugetlb-mount-not-writable',
    'note',
    /0755 0:0.*fsGroup: 1001/,
  ],
  [
    'a hugetlbfs of root on a plain machine',
    { ...host, environment: { hugetlbMounts: [mount({ writable: false })] } },
    'hugetlb-mount-not-writable',
    'note',
    /mounted for root.*-o uid=1001,gid=1001,mode=0700,pagesize=2M none FOLDER; or --in-memory/,
  ],
  [
    'a hugetlbfs of root, of unknown size, in a container of docker',
    { ...container, environment: { hugetlbMounts: [mount({ writable: false, pageSize: null })] } },
    'hugetlb-mount-not-writable',
    'note',
    /mode=0700 none FOLDER, and container: -v FOLDER:\/mnt\/huge;/,
  ],
  [
    'files of a killed DPDK program on a plain machine',
    { ...host, environment: { hugetlbMounts: [mount({ leftovers: 12 })] } },
    'hugetlb-leftovers',
    'warning',
    /such files outlive their program/,
  ],
  [
    'files of a killed DPDK program',
    { environment: { hugetlbMounts: [mount({ leftovers: 12 })] } },
    'hugetlb-leftovers',
    'warning',
    /12 files.*rm \/mnt\/huge/,
  ],
  [
    'two sizes and one mount',
    {
      environment: { hugetlbMounts: [mount({})] },
      pod: {
        hugepages: [
          { container: 'app', size: '2Mi', kind: 'limit', mib: 64 },
          { container: 'app', size: '1Gi', kind: 'limit', mib: 1024 },
        ],
      },
    },
    'hugetlb-mount-one-for-two',
    'note',
    /medium: HugePages-1Gi/,
  ],
  [
    'a memory limit below the data plane',
    { environment: { memoryLimitBytes: 64 * 2 ** 20 }, settings: { 'memory.pageSize': 'none' } },
    'memory-limit',
    'warning',
    /64 MiB.*resources\.limits\.memory/,
  ],
  [
    'a memory limit below the data plane in a container of docker',
    { ...container, environment: { memoryLimitBytes: 64 * 2 ** 20 }, settings: { 'memory.pageSize': 'none' } },
    'memory-limit',
    'warning',
    /container: --memory \d+m$/,
  ],
  [
    'a memory limit below the data plane of a systemd unit',
    { ...host, environment: { memoryLimitBytes: 64 * 2 ** 20 }, settings: { 'memory.pageSize': 'none' } },
    'memory-limit',
    'warning',
    /systemd: MemoryMax=\d+M$/,
  ],
  [
    'fewer descriptors than pages',
    { process: { openFiles: 64 } },
    'open-files-limit',
    'error',
    /RLIMIT_NOFILE.*nofile=65536/,
  ],
  [
    'memlock 64 KiB, a vfio VF and no IPC_LOCK',
    { process: { ...noCapability, memlockBytes: 64 * 1024 } },
    'memlock-refused',
    'error',
    /not even the first page: the VF is refused.*64 KiB.*add: \[IPC_LOCK\].*default_ulimits/,
  ],
  [
    'memlock 8 MiB, a Mellanox VF and no IPC_LOCK',
    mellanox({ process: { capabilities: capabilities(['CAP_NET_RAW']) } }),
    'memlock-refused',
    'error',
    /RDMA registers \d+ MiB, and a limit of 8 MiB refuses that/,
  ],
  [
    'IPC_LOCK in a user namespace',
    { process: { userNamespace: true } },
    'memlock-partial',
    'error',
    /counts for nothing here.*hostUsers: true/,
  ],
  [
    'memlock 8 MiB, a vfio VF and no IPC_LOCK',
    { process: { ...noCapability, memlockBytes: 8 * 2 ** 20 } },
    'memlock-partial',
    'error',
    /only the first pages: the VF is refused.*8 MiB/,
  ],
]
