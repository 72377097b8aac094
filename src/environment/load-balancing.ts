import type { Cgroups } from './cgroups.js'
import type { PodEnvironment } from './types.js'

/** Whether the scheduler moves threads among our CPUs, as it does unless the runtime was asked to leave that. */
export function discoverLoadBalancing(cgroups: Cgroups, annotations: PodEnvironment['runtimeAnnotations']): boolean {
  return isBalanced(cgroups) && !isSwitchedOff(annotations)
}

/** CRI-O's cpu-load-balancing writes one of these two. */
function isBalanced(cgroups: Cgroups): boolean {
  const cpuset = cgroups.controller('cpuset')
  if (cpuset?.version === 1) return cgroups.nearest(cpuset, 'cpuset.sched_load_balance')?.trim() !== '0'
  return !/^isolated\b(?! invalid)/.test(cgroups.nearest(cpuset, 'cpuset.cpus.partition') ?? '')
}

function isSwitchedOff(annotations: PodEnvironment['runtimeAnnotations']): boolean {
  return Object.entries(annotations).some(
    ([name, value]) => /^cpu-load-balancing\.crio\.io(?:$|\/)/.test(name) && value === 'disable',
  )
}
