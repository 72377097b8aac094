import { bifurcatedCheck } from './checks/bifurcated.js'
import { capabilitiesCheck } from './checks/capabilities.js'
import { cpuQuotaCheck } from './checks/cpu-quota.js'
import { cpusCheck } from './checks/cpus.js'
import { devicePluginCheck } from './checks/device-plugin.js'
import { httpCheck } from './checks/http.js'
import { hugepagesCheck } from './checks/hugepages.js'
import { hugetlbMountsCheck } from './checks/hugetlb-mounts.js'
import { kubectlExecCheck } from './checks/kubectl-exec.js'
import { macRequestCheck } from './checks/mac-request.js'
import { mellanoxCheck } from './checks/mellanox.js'
import { memlockCheck } from './checks/memlock.js'
import { memoryLimitsCheck } from './checks/memory-limits.js'
import { mtuCheck } from './checks/mtu.js'
import { numaCheck } from './checks/numa.js'
import { planProblemCodes } from './checks/plan-problems.js'
import { podnetinfoCheck } from './checks/podnetinfo.js'
import { programCheck } from './checks/program.js'
import { runtimeCheck } from './checks/runtime.js'
import { runtimeDirectoryCheck } from './checks/runtime-directory.js'
import { seccompCheck } from './checks/seccomp.js'
import { secureExecutionCheck } from './checks/secure-execution.js'
import { selinuxCheck } from './checks/selinux.js'
import { smtCheck } from './checks/smt.js'
import { tapCheck } from './checks/tap.js'
import { tapMacCheck } from './checks/tap-mac.js'
import { tapNetworkCheck } from './checks/tap-network.js'
import { tapPresenceCheck } from './checks/tap-presence.js'
import { tunCheck } from './checks/tun.js'
import { vfContainerCheck } from './checks/vf-container.js'
import { vfDriverCheck } from './checks/vf-driver.js'
import { vfioCheck } from './checks/vfio.js'
import { vhostMemoryCheck } from './checks/vhost-memory.js'
import { vhostNetCheck } from './checks/vhost-net.js'
import { vhostWorkersCheck } from './checks/vhost-workers.js'
import { probeChecks } from './probe-checks.js'
import type { Check, CodeDeclarations } from './types.js'

/** Every check of what discovery read, from the container to the networks. */
export const checks: readonly Check[] = [
  runtimeCheck,
  cpusCheck,
  cpuQuotaCheck,
  smtCheck,
  numaCheck,
  kubectlExecCheck,
  hugepagesCheck,
  hugetlbMountsCheck,
  memoryLimitsCheck,
  runtimeDirectoryCheck,
  httpCheck,
  secureExecutionCheck,
  capabilitiesCheck,
  memlockCheck,
  seccompCheck,
  selinuxCheck,
  podnetinfoCheck,
  devicePluginCheck,
  vfContainerCheck,
  vfDriverCheck,
  vfioCheck,
  mellanoxCheck,
  bifurcatedCheck,
  tunCheck,
  vhostNetCheck,
  vhostMemoryCheck,
  vhostWorkersCheck,
  tapPresenceCheck,
  tapCheck,
  tapMacCheck,
  macRequestCheck,
  tapNetworkCheck,
  mtuCheck,
  programCheck,
]

/** The codes of a check, passive or active, as docs/doctor.md lists them. */
export interface CatalogueSection {
  readonly name: string
  readonly title: string
  readonly codes: CodeDeclarations
}

export const passiveSections: readonly CatalogueSection[] = [
  ...checks,
  { name: 'plan', title: 'Can the plan do what the configuration asks for?', codes: planProblemCodes },
]
export const probeSections: readonly CatalogueSection[] = probeChecks
