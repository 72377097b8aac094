import type { HugepageSize } from '../config/terms.js'
import type { HostFiles } from './host-files.js'
import type { Hugepages } from './types.js'

const kinds: readonly { size: HugepageSize; kib: number; cgroupName: string }[] = [
  { size: '2Mi', kib: 2048, cgroupName: '2MB' },
  { size: '512Mi', kib: 524_288, cgroupName: '512MB' },
  { size: '1Gi', kib: 1_048_576, cgroupName: '1GB' },
]

export function pageKib(size: HugepageSize): number {
  return kinds.find((kind) => kind.size === size)?.kib ?? 0
}

/** The page sizes this kernel has, with what is free of each. */
export function discoverHugepages(files: HostFiles): Hugepages[] {
  return kinds.flatMap(({ size, kib, cgroupName }) => {
    const folder = `sys/kernel/mm/hugepages/hugepages-${kib}kB`
    const total = files.number(`${folder}/nr_hugepages`)
    const free = files.number(`${folder}/free_hugepages`)
    if (total === undefined || free === undefined) return []
    const available = Math.min(free, readCgroupRoom(files, cgroupName, kib))
    return [{ size, total, free, nodes: [], cgroup: { limit: null, used: 0 }, available }]
  })
}

/** Pages that the cgroup still allows. EAL learns of this limit by SIGBUS only, so it is asked before. */
function readCgroupRoom(files: HostFiles, name: string, kib: number): number {
  const max = files.number(`sys/fs/cgroup/hugetlb.${name}.max`)
  if (max === undefined) return Number.POSITIVE_INFINITY
  const current = files.number(`sys/fs/cgroup/hugetlb.${name}.current`) ?? 0
  return Math.max(0, Math.floor((max - current) / 1024 / kib))
}
