import type { HugepageSize } from '../config/terms.js'
import { mayAccess, type Who } from './file-access.js'
import type { HostFiles } from './host-files.js'
import { sizeOfKib } from './hugepages.js'
import { readMounts } from './mounts.js'
import type { HugetlbMount } from './types.js'

const mostMounts = 32

/** Where hugetlbfs is mounted. EAL needs one only without --in-memory. */
export function discoverHugetlbMounts(files: HostFiles, who: Who): HugetlbMount[] {
  const mounts = readMounts(files).filter(({ type, path }, index, all) => {
    // What was mounted on the same folder later hides it, such as an emptyDir in memory.
    const hidden = all.slice(index + 1).some((later) => later.path === path)
    return type === 'hugetlbfs' && !hidden
  })
  return mounts.slice(0, mostMounts).map(({ path, options }) => {
    const below = path.slice(1)
    const owner = files.owner(below)
    return {
      path,
      pageSize: readPageSize(options, files),
      owner,
      writable: !options.includes('ro') && owner !== null && mayAccess(owner, who, 3),
      leftovers: files.names(below).filter((name) => /map_\d+$/.test(name)).length,
    }
  })
}

/** `pagesize=1024M`; without it the mount has the kernel's default size. */
function readPageSize(options: readonly string[], files: HostFiles): HugepageSize | null {
  const match = options.map((option) => /^pagesize=(\d{1,9})([KMG])$/i.exec(option)).find((found) => found !== null)
  if (match !== undefined) {
    const unitKib = { K: 1, M: 1024, G: 1_048_576 }[match[2]?.toUpperCase() ?? ''] ?? 0
    return sizeOfKib(Number(match[1]) * unitKib)
  }
  const meminfo = files.text('proc/meminfo') ?? ''
  return sizeOfKib(Number(/^Hugepagesize:\s*(\d{1,9}) kB$/m.exec(meminfo)?.[1]))
}
