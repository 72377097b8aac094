import { formatCpuList } from '../config/cpu-list.js'
import type { Environment } from '../environment/types.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'

/** Who runs a shell in the pod runs it on CPUs that poll. */
export function noteExecCpus({ cpus, pod }: Environment, { housekeeping }: PlannedCpus, log: DecisionLog): void {
  if (!pod.kubernetes || cpus.allowed.length === cpus.online.length || cpus.quota !== null) return
  const pinned = Object.entries(pod.runtimeAnnotations).find(([name]) => name.includes('exec-cpu-affinity'))
  const told = pinned === undefined ? '' : ` (${pinned[0]}: ${pinned[1]})`
  log.note(
    'kubectl exec',
    'may land on polling CPUs',
    `a process that is exec'd into the pod starts on any of ${formatCpuList(cpus.allowed)}, unless the runtime's ` +
      `exec_cpu_affinity says otherwise${told}; begin it with \`taskset -c ${formatCpuList(housekeeping)}\``,
  )
}
