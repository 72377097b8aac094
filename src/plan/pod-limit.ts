import type { HugepageSize } from '../config/terms.js'
import type { Environment, Hugepages, PodHugepages } from '../environment/types.js'
import { pageMib } from './pages.js'

/**
 * This container's limit of hugepages in /etc/podnetinfo. Where cgroup v1 has the limit at the pod it is the only one that can
 * be seen. When the container does not know its name, the smallest of the pod's; null without any.
 */
export function podLimit({ pod }: Environment, size: HugepageSize): PodHugepages | null {
  const limits = pod.hugepages
    .filter((entry) => entry.kind === 'limit' && entry.size === size)
    .filter(({ container }) => pod.containerName === null || container === pod.containerName)
    .sort((a, b) => a.mib - b.mib)
  return limits[0] ?? null
}

export function podLimitMib(environment: Environment, size: HugepageSize): number | null {
  return podLimit(environment, size)?.mib ?? null
}

/** How many more pages that limit lets the container take; Infinity without one. */
export function podPages(environment: Environment, { size, cgroup }: Hugepages): number {
  const limitMib = podLimitMib(environment, size)
  return limitMib === null ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor(limitMib / pageMib(size)) - cgroup.used)
}
