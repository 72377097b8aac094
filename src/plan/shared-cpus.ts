import type { Environment } from '../environment/types.js'

const sharesOfCpu = 1024
const mostShares = 262_144
/** One step of the weight of cgroup v2, which is rounded down. */
const roundingShares = 27

/**
 * Why the CPUs of a pod cannot be its own, or null. Under the static CPU manager policy a pod with CPUs of its own
 * requested each of them, and every other pod is allowed what is left: a cpuset smaller than the machine too.
 */
export function findFewShares({ cpus, pod }: Environment): string | null {
  const { allowed, mixed, shares } = cpus
  const own = mixed === null ? allowed.length : allowed.filter((cpuId) => mixed.isolated.includes(cpuId)).length
  const wanted = Math.min(own * sharesOfCpu, mostShares)
  if (!pod.kubernetes || shares === null || shares + roundingShares >= wanted) return null
  return `${allowed.length} are allowed, and the pod requested ${Math.round((shares * 100) / sharesOfCpu) / 100} CPUs (${shares} shares)`
}
