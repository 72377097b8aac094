import { formatCpuList, parseCpuList } from '../config/cpu-list.js'
import type { Config } from '../config/schema.js'
import type { CpuEnvironment, Environment } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { DecisionLog } from './decisions.js'
import type { PortDevice } from './devices.js'
import type { Plan } from './types.js'

/** What the data plane is built for (DP_MAX_LCORES). */
const mostLcores = 64

export type PlannedCpus = Plan['cpus']

/** The allowed CPUs as far as the choice depends on them. */
interface Candidates {
  readonly cpus: CpuEnvironment
  /** Allowed CPUs by physical core, in the order of their lowest. */
  readonly cores: readonly (readonly number[])[]
  /** CPUs on the NUMA nodes of the devices; null when nobody says where these are. */
  readonly near: ReadonlySet<number> | null
}

interface Division {
  readonly polling: readonly number[]
  readonly reason: string
  readonly warning: boolean
}

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

function listCandidates({ cpus, numaNodes }: Environment, devices: readonly PortDevice[]): Candidates {
  const known = cpus.cores.map((core) => core.filter((cpuId) => cpus.allowed.includes(cpuId)))
  const grouped = new Set(known.flat())
  // CPUs whose siblings nobody knows count as cores of their own.
  const alone = cpus.allowed.filter((cpuId) => !grouped.has(cpuId)).map((cpuId) => [cpuId])
  const cores = [...known, ...alone].filter(([first]) => first !== undefined).sort(([a = 0], [b = 0]) => a - b)
  const nodes = new Set(devices.flatMap(({ numaNode }) => numaNode ?? []))
  const near = numaNodes.filter(({ id }) => nodes.has(id)).flatMap((node) => node.cpus)
  return { cpus, cores, near: near.length > 0 ? new Set(near) : null }
}

function choosePolling(candidates: Candidates): Division {
  const { cpus } = candidates
  const allowedText = `allowed are ${formatCpuList(cpus.allowed)}`
  const mixed = cpus.mixed?.isolated.filter((cpuId) => cpus.allowed.includes(cpuId)) ?? []
  const shared = cpus.mixed?.shared.filter((cpuId) => cpus.allowed.includes(cpuId)) ?? []
  if (mixed.length > 0 && shared.length > 0) {
    const firsts = firstOfEachCore(candidates, new Set(mixed))
    return bound(firsts, candidates, `${formatCpuList(mixed)} are isolated and ${formatCpuList(shared)} are shared`)
  }
  const [only = []] = candidates.cores
  if (candidates.cores.length === 1) {
    const polling = only.slice(-1)
    const reason =
      only.length === 1
        ? `${allowedText}: the only one polls and does the housekeeping`
        : `${allowedText}, SMT siblings of one core: one polls, the housekeeping beside it takes some of its time`
    return { polling, reason, warning: true }
  }
  const { housekeeping, reason } = chooseHousekeepingCore(candidates)
  const rest = new Set(cpus.allowed.filter((cpuId) => !housekeeping.includes(cpuId)))
  return bound(firstOfEachCore(candidates, rest), candidates, `${allowedText}; ${reason}`)
}

/** Which CPUs are left to housekeeping before the others are divided. */
function chooseHousekeepingCore({ cores, cpus, near }: Candidates): {
  housekeeping: readonly number[]
  reason: string
} {
  const far = near === null ? [] : cores.filter((core) => !core.some((cpuId) => near.has(cpuId)))
  if (far.length > 0 && far.length < cores.length) {
    return { housekeeping: far.flat(), reason: 'all on the NUMA node of the devices' }
  }
  const rank = (core: readonly number[]) => (core.some((cpuId) => cpus.isolated.includes(cpuId)) ? 1 : 0)
  const [chosen = []] = [...cores].sort((a, b) => rank(a) - rank(b) || b.length - a.length)
  const lowest = chosen[0] === cpus.allowed[0]
  const siblings = cores.some((core) => core.length > 1)
  const kept = lowest ? 'the lowest' : formatCpuList(chosen)
  const reason = siblings ? `one CPU of each core but that of ${formatCpuList(chosen)}` : `all but ${kept}`
  return { housekeeping: chosen, reason }
}

/** Of two siblings that both poll each gets little more than half of the core. */
function firstOfEachCore({ cores }: Candidates, from: ReadonlySet<number>): number[] {
  return cores.flatMap((core) => core.find((cpuId) => from.has(cpuId)) ?? []).sort((a, b) => a - b)
}

function bound(polling: readonly number[], { cpus: { allowed, quota } }: Candidates, reason: string): Division {
  // With less CPU time than CPUs, every lcore more takes its time from the others.
  const paidFor = quota === null ? mostLcores : Math.max(1, Math.floor(quota) - 1)
  const taken = polling.slice(0, Math.min(paidFor, mostLcores))
  const short = quota !== null && quota < allowed.length
  const words = [reason]
  if (short) words.push(quotaText(quota))
  else if (taken.length < polling.length) words.push(`${mostLcores} lcores are the most there can be`)
  return { polling: taken, reason: words.join('; '), warning: short }
}

function quotaText(quota: number): string {
  return `the cgroup's quota is ${quota} CPUs: what polls uses it up and is held back`
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

/** What the operator chose stands, with a word about what it costs. */
function judgeNamed(polling: readonly number[], { cores, cpus: { allowed, quota } }: Candidates): Division {
  const doubts: string[] = []
  const together = cores.filter((core) => core.filter((cpuId) => polling.includes(cpuId)).length > 1)
  if (together.length > 0) {
    doubts.push(`SMT siblings poll side by side (${together.map(formatCpuList).join(' and ')}) and share a core's time`)
  }
  if (quota !== null && quota < allowed.length) doubts.push(quotaText(quota))
  const reason = ['lcores names them', ...doubts].join(', but ')
  return { polling, reason, warning: doubts.length > 0 }
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
