import type { Cgroups } from './cgroups.js'
import type { HostFiles } from './host-files.js'

/** Cgroup v1 says "no limit" with the highest multiple of the page size. */
const unlimitedBytes = 2 ** 62

/** The least that a cgroup of ours allows, in bytes; null without a limit. */
export function discoverMemoryLimit(files: HostFiles, cgroups: Cgroups): number | null {
  const controller = cgroups.controller('memory')
  const file = controller?.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'
  const limits = (controller?.folders ?? []).flatMap((folder) => files.number(`${folder}/${file}`) ?? [])
  const least = Math.min(...limits)
  return least < unlimitedBytes ? least : null
}
