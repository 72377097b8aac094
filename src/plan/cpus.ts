import { formatCpuList, parseCpuList } from '../config/cpu-list.js'
import type { Config } from '../config/schema.js'
import type { CpuEnvironment, Environment } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { DecisionLog } from './decisions.js'
import type { PortDevice } from './devices.js'
import { type Candidates, choosePolling, judgeNamed, listCandidates, mostLcores } from './polling-cpus.js'
import type { Plan } from './types.js'

export type PlannedCpus = Plan['cpus']

/**
 * Divides the allowed CPUs into polling ones, which run an lcore each, and housekeeping for everything else.
 *
 * With `lcores: auto`
 * 1. a pod with mixed CPUs polls on its isolated ones, and the shared ones do the housekeeping;
 * 2. otherwise one CPU of each physical core polls, and its SMT siblings stay unused: they would take turns with it;
 * 3. CPUs on another NUMA node than the devices do the housekeeping, as long as any is left to poll nearby;
 * 4. when that leaves none, a whole core does the housekeeping: one that the kernel does not isolate, with the most
 *    siblings, the lowest. Of a single core one sibling polls and the other does the housekeeping; a single CPU does both;
 * 5. a CPU quota is not outrun: as many CPUs poll as it pays for beyond the first; the others do the housekeeping.
 *
 * With CPUs named by `lcores` the rest does the housekeeping, siblings of polling ones only when there is nothing else.
 *
 * Refuses with `ERR_CPUS` when a CPU was asked for that is not allowed.
 */
export function planCpus(
  config: Config,
  environment: Environment,
  devices: readonly PortDevice[],
  log: DecisionLog,
): PlannedCpus {
  const candidates = listCandidates(environment, devices)
  const { cpus } = environment
  const named = config.lcores === 'auto' ? [] : takePolling(config.lcores, cpus, log)
  const division = named.length > 0 ? judgeNamed(named, candidates) : choosePolling(candidates)
  log[division.warning ? 'warn' : 'note']('polling CPUs', formatCpuList(division.polling), division.reason)
  warnOfDistance(division.polling, candidates, environment, log)
  return { ...planHousekeeping(division.polling, candidates, log), pinning: planPinning(cpus, log) }
}

function takePolling(list: string, { allowed }: CpuEnvironment, log: DecisionLog): number[] {
  const polling = parseCpuList(list) ?? []
  const missing = polling.filter((cpuId) => !allowed.includes(cpuId))
  if (missing.length > 0) {
    log.refuse(
      new SpillwayError(
        'ERR_CPUS',
        `lcores: need CPUs ${formatCpuList(polling)}, but ${formatCpuList(missing)} may not be used; ` +
          `allowed are ${formatCpuList(allowed)}`,
        { hint: 'name allowed CPUs, set lcores to "auto", or give the pod more whole CPUs' },
      ),
    )
  } else if (polling.length > mostLcores) {
    log.refuse(new SpillwayError('ERR_CONFIG', `lcores: expected at most ${mostLcores} CPUs, found ${polling.length}`))
  }
  return polling.filter((cpuId) => allowed.includes(cpuId)).slice(0, mostLcores)
}

function warnOfDistance(
  polling: readonly number[],
  { near }: Candidates,
  { numaNodes }: Environment,
  log: DecisionLog,
): void {
  const far = near === null ? [] : polling.filter((cpuId) => !near.has(cpuId))
  if (far.length === 0) return
  const nodeOf = (cpuId: number) => numaNodes.find(({ cpus }) => cpus.includes(cpuId))?.id
  const nodes = [...new Set(far.map(nodeOf))].join(', ')
  log.warn(
    'polling CPUs far away',
    formatCpuList(far),
    `they are on NUMA node ${nodes} and the devices are not, so every packet crosses; the single-numa-node topology ` +
      'manager policy keeps them together',
  )
}

function planHousekeeping(
  polling: readonly number[],
  { cpus, cores }: Candidates,
  log: DecisionLog,
): Omit<PlannedCpus, 'pinning'> {
  const left = cpus.allowed.filter((cpuId) => !polling.includes(cpuId))
  const beside = new Set(cores.filter((core) => core.some((cpuId) => polling.includes(cpuId))).flat())
  const apart = left.filter((cpuId) => !beside.has(cpuId))
  const unused = apart.length > 0 ? left.filter((cpuId) => beside.has(cpuId)) : []
  const lowest = cpus.allowed.slice(0, 1)
  if (left.length === 0) {
    log.warn('housekeeping CPUs', formatCpuList(lowest), 'every allowed CPU polls, so housekeeping shares the lowest')
    return { polling: [...polling], housekeeping: lowest, unused }
  }
  if (apart.length > 0 || left.every((cpuId) => !beside.has(cpuId))) {
    log.note('housekeeping CPUs', formatCpuList(apart), 'the allowed CPUs that do not poll')
  } else {
    log.warn(
      'housekeeping CPUs',
      formatCpuList(left),
      'the allowed CPUs that do not poll are SMT siblings of polling ones and take some of their time',
    )
  }
  if (unused.length > 0) {
    log.note('unused CPUs', formatCpuList(unused), 'SMT siblings of polling CPUs: what runs there takes their time')
  }
  return { polling: [...polling], housekeeping: apart.length > 0 ? apart : left, unused }
}

function planPinning({ loadBalancing }: CpuEnvironment, log: DecisionLog): PlannedCpus['pinning'] {
  if (loadBalancing) return 'set'
  log.note(
    'housekeeping threads',
    'pinned one by one',
    'the runtime switched load balancing off for these CPUs: a thread stays where it starts, however busy that CPU is',
  )
  return 'each'
}
