import { formatCpuList, parseCpuList } from '../config/cpu-list.js'
import type { Config } from '../config/schema.js'
import type { CpuEnvironment } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { DecisionLog } from './decisions.js'
import type { Plan } from './types.js'

/** What the data plane is built for (DP_MAX_LCORES). */
const mostLcores = 64

export type PlannedCpus = Plan['cpus']

/**
 * Divides the allowed CPUs into polling ones, which run an lcore each, and housekeeping for everything else.
 *
 * @throws SpillwayError `ERR_CPUS` when a CPU was asked for that is not allowed.
 */
export function planCpus(config: Config, cpus: CpuEnvironment, log: DecisionLog): PlannedCpus {
  const polling = config.lcores === 'auto' ? choosePolling(cpus, log) : takePolling(config.lcores, cpus, log)
  const left = cpus.allowed.filter((cpuId) => !polling.includes(cpuId))
  const lowest = cpus.allowed.slice(0, 1)
  if (left.length > 0) {
    log.note('housekeeping CPUs', formatCpuList(left), 'the allowed CPUs that do not poll')
  } else {
    log.warn('housekeeping CPUs', formatCpuList(lowest), 'every allowed CPU polls, so housekeeping shares the lowest')
  }
  return { polling, housekeeping: left.length > 0 ? left : lowest }
}

function choosePolling({ allowed, quota }: CpuEnvironment, log: DecisionLog): number[] {
  const candidates = allowed.length > 1 ? allowed.slice(1) : [...allowed]
  // With less CPU time than CPUs, every lcore more takes its time from the others.
  const paidFor = quota === null ? mostLcores : Math.max(1, Math.floor(quota) - 1)
  const polling = candidates.slice(0, Math.min(paidFor, mostLcores))
  const choice = formatCpuList(polling)
  const allowedText = `allowed are ${formatCpuList(allowed)}`
  if (allowed.length === 1) {
    log.warn('polling CPUs', choice, `${allowedText}: the only one polls and does the housekeeping`)
  } else if (polling.length < candidates.length && quota !== null) {
    log.warn('polling CPUs', choice, `${allowedText}, but the cgroup's quota is ${quota} CPUs`)
  } else if (polling.length < candidates.length) {
    log.note('polling CPUs', choice, `${allowedText}; ${mostLcores} lcores are the most there can be`)
  } else {
    log.note('polling CPUs', choice, `${allowedText}; all but the lowest`)
  }
  return polling
}

function takePolling(list: string, { allowed }: CpuEnvironment, log: DecisionLog): number[] {
  const polling = parseCpuList(list) ?? []
  const missing = polling.filter((cpuId) => !allowed.includes(cpuId))
  if (missing.length > 0) {
    throw new SpillwayError(
      'ERR_CPUS',
      `lcores: need CPUs ${formatCpuList(polling)}, but ${formatCpuList(missing)} may not be used; ` +
        `allowed are ${formatCpuList(allowed)}`,
      { hint: 'name allowed CPUs, set lcores to "auto", or give the pod more whole CPUs' },
    )
  }
  if (polling.length > mostLcores) {
    throw new SpillwayError('ERR_CONFIG', `lcores: expected at most ${mostLcores} CPUs, found ${polling.length}`)
  }
  log.note('polling CPUs', formatCpuList(polling), 'lcores names them')
  return polling
}

/** Lcore ids are ours to give: 1, 2, … in the order of the CPUs, so that CPU ids beyond RTE_MAX_LCORE work too. */
export function planLcores({ polling, housekeeping }: PlannedCpus, log: DecisionLog): Plan['lcores'] {
  log.note('main lcore', `lcore 0 on CPUs ${formatCpuList(housekeeping)}`, 'it controls and never polls')
  const lcores = polling.map((cpuId, index) => ({ lcoreId: index + 1, cpuId }))
  log.note(
    'worker lcores',
    lcores.map(({ lcoreId, cpuId }) => `${lcoreId}@${cpuId}`).join(', '),
    'one lcore per polling CPU, numbered from 1',
  )
  return lcores
}

/** Whether lcores poll on or sleep in a ramp when nothing comes. */
export function planIdle(config: Config, cpus: PlannedCpus, given: CpuEnvironment, log: DecisionLog): Plan['idle'] {
  if (config.idle !== 'auto') {
    log.note('idle lcores', config.idle, 'idle says so')
    return config.idle
  }
  const { idle, reason } = chooseIdle(cpus, given)
  log.note('idle lcores', idle, reason)
  return idle
}

function chooseIdle(
  { polling, housekeeping }: PlannedCpus,
  { allowed, online, isolated, quota }: CpuEnvironment,
): { idle: Plan['idle']; reason: string } {
  if (polling.some((cpuId) => housekeeping.includes(cpuId))) {
    return { idle: 'ramp', reason: 'a polling CPU does the housekeeping too' }
  }
  if (polling.every((cpuId) => isolated.includes(cpuId))) {
    return { idle: 'poll', reason: 'the kernel keeps other tasks off these CPUs (isolcpus)' }
  }
  if (quota !== null)
    return { idle: 'ramp', reason: `the cgroup has a CPU quota (${quota} CPUs), and polling uses it up` }
  if (allowed.length < online.length) {
    // A cpuset of its own without a quota is what a Guaranteed pod gets under the static CPU manager policy.
    return { idle: 'poll', reason: `the pod has CPUs of its own: ${allowed.length} of ${online.length}, no quota` }
  }
  return { idle: 'ramp', reason: 'every CPU of the machine is allowed, so others share them' }
}
