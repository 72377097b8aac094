import { probeChild } from './checks/probe-child.js'
import { probeHugepage } from './checks/probe-hugepage.js'
import { probeHugetlbMount } from './checks/probe-hugetlb-mount.js'
import { probeMempolicy } from './checks/probe-mempolicy.js'
import { probeMlock } from './checks/probe-mlock.js'
import { probeTap } from './checks/probe-tap.js'
import { probeVfio } from './checks/probe-vfio.js'
import { probeVhostNet } from './checks/probe-vhost-net.js'
import type { ProbeCheck } from './probe-check.js'
import type { ProbeOutcome } from './probe-runner.js'
import type { CheckInput, Finding } from './types.js'

/** In the order in which EAL and the ports would meet them. */
export const probeChecks: readonly ProbeCheck[] = [
  probeMempolicy,
  probeHugepage,
  probeHugetlbMount,
  probeMlock,
  probeVfio,
  probeVhostNet,
  probeTap,
  probeChild,
]

/** What the outcomes mean for this plan; pure. */
export function findingsOfProbes(outcomes: readonly ProbeOutcome[], input: CheckInput): Finding[] {
  return probeChecks.flatMap((check) => check.run(outcomes, input))
}
