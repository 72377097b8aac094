import { formatCpuList } from '../config/cpu-list.js'
import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import { findFewShares } from './shared-cpus.js'
import type { Plan } from './types.js'

/** Lcore ids are ours to give: 1, 2, … in the order of the CPUs, so that CPU ids beyond RTE_MAX_LCORE work too. */
export function planLcores(cpus: PlannedCpus, log: DecisionLog): Plan['lcores'] {
  log.note('main lcore', `lcore 0 on CPUs ${formatCpuList(mainLcoreCpus(cpus))}`, 'it controls and never polls')
  const lcores = cpus.polling.map((cpuId, index) => ({ lcoreId: index + 1, cpuId }))
  log.note(
    'worker lcores',
    lcores.map(({ lcoreId, cpuId }) => `${lcoreId}@${cpuId}`).join(', '),
    'one lcore per polling CPU, numbered from 1',
  )
  return lcores
}

/** It floats on the housekeeping CPUs, unless the scheduler would not move it anyway. */
export function mainLcoreCpus({ housekeeping, pinning }: PlannedCpus): readonly number[] {
  return pinning === 'each' ? housekeeping.slice(0, 1) : housekeeping
}

/** Whether lcores poll on or sleep in a ramp when nothing comes. */
export function planIdle(config: Config, cpus: PlannedCpus, environment: Environment, log: DecisionLog): Plan['idle'] {
  if (config.idle !== 'auto') {
    log.note('idle lcores', config.idle, 'idle says so')
    return config.idle
  }
  const { idle, reason } = chooseIdle(cpus, environment)
  log.note('idle lcores', idle, reason)
  return idle
}

function chooseIdle(
  { polling, housekeeping }: PlannedCpus,
  environment: Environment,
): { idle: Plan['idle']; reason: string } {
  const { allowed, online, isolated, quota } = environment.cpus
  if (polling.some((cpuId) => housekeeping.includes(cpuId))) {
    return { idle: 'ramp', reason: 'a polling CPU does the housekeeping too' }
  }
  if (quota !== null)
    return { idle: 'ramp', reason: `the cgroup has a CPU quota (${quota} CPUs), and polling uses it up` }
  if (polling.every((cpuId) => isolated.includes(cpuId))) {
    return { idle: 'poll', reason: 'the kernel keeps other tasks off these CPUs (isolcpus)' }
  }
  const few = findFewShares(environment)
  if (few !== null) return { idle: 'ramp', reason: `other pods share these CPUs: ${few}` }
  if (allowed.length < online.length) {
    // A cpuset of its own without a quota is what a Guaranteed pod gets under the static CPU manager policy.
    return { idle: 'poll', reason: `the pod has CPUs of its own: ${allowed.length} of ${online.length}, no quota` }
  }
  return { idle: 'ramp', reason: 'every CPU of the machine is allowed, so others share them' }
}
