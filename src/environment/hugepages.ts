import type { HugepageSize } from '../config/terms.js'
import type { Cgroups } from './cgroups.js'
import type { HostFiles } from './host-files.js'
import { listNumaNodes } from './numa-nodes.js'
import type { Hugepages } from './types.js'

const kinds: readonly { size: HugepageSize; kib: number; cgroupName: string }[] = [
  { size: '2Mi', kib: 2048, cgroupName: '2MB' },
  { size: '512Mi', kib: 524_288, cgroupName: '512MB' },
  { size: '1Gi', kib: 1_048_576, cgroupName: '1GB' },
]

export function pageKib(size: HugepageSize): number {
  return kinds.find((kind) => kind.size === size)?.kib ?? 0
}

/** The size with so many KiB; null when Spillway does not know it. */
export function sizeOfKib(wanted: number): HugepageSize | null {
  return kinds.find(({ kib }) => kib === wanted)?.size ?? null
}

/** The page sizes this kernel has, with what is free of each and what the cgroup still allows. */
export function discoverHugepages(files: HostFiles, cgroups: Cgroups): Hugepages[] {
  const numaNodes = listNumaNodes(files)
  return kinds.flatMap(({ size, kib, cgroupName }) => {
    const machine = readCounts(files, 'sys/kernel/mm', kib)
    if (machine === undefined) return []
    const nodes = numaNodes.flatMap((numaNode) => {
      const counts = readCounts(files, `sys/devices/system/node/node${numaNode}`, kib)
      return counts === undefined ? [] : [{ numaNode, ...counts }]
    })
    const cgroup = readCgroup(files, cgroups, cgroupName, kib)
    const room = cgroup.limit === null ? Number.POSITIVE_INFINITY : Math.max(0, cgroup.limit - cgroup.used)
    return [{ size, ...machine, nodes, cgroup, available: Math.min(machine.free, room) }]
  })
}

function readCounts(files: HostFiles, above: string, kib: number): { total: number; free: number } | undefined {
  const folder = `${above}/hugepages/hugepages-${kib}kB`
  const total = files.number(`${folder}/nr_hugepages`)
  const free = files.number(`${folder}/free_hugepages`)
  return total === undefined || free === undefined ? undefined : { total, free }
}

/** What cgroup v1 shows without a limit is near 2^63. */
const unlimitedBytes = 2 ** 62

/**
 * The limit that leaves the least room: of this cgroup or one above it (the kubelet of v1 set only the pod's), of
 * pages or of reservations. EAL learns of it by SIGBUS only, so it is asked before.
 */
function readCgroup(files: HostFiles, cgroups: Cgroups, name: string, kib: number): Hugepages['cgroup'] {
  const controller = cgroups.controller('hugetlb')
  const [max, current] = controller?.version === 1 ? ['limit_in_bytes', 'usage_in_bytes'] : ['max', 'current']
  const pages = (bytes: number) => Math.floor(bytes / 1024 / kib)
  const levels = (controller?.folders ?? []).flatMap((folder) =>
    [`hugetlb.${name}`, `hugetlb.${name}.rsvd`].map((prefix) => {
      const limit = files.number(`${folder}/${prefix}.${max}`) ?? Number.POSITIVE_INFINITY
      const used = pages(files.number(`${folder}/${prefix}.${current}`) ?? 0)
      return { limit: limit < unlimitedBytes ? pages(limit) : null, used }
    }),
  )
  const limited = levels.flatMap(({ limit, used }) => (limit === null ? [] : [{ limit, used }]))
  const tightest = limited.sort((a, b) => a.limit - a.used - (b.limit - b.used))[0]
  return tightest ?? { limit: null, used: levels[0]?.used ?? 0 }
}
