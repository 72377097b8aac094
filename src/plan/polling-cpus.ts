import { formatCpuList } from '../config/cpu-list.js'
import type { CpuEnvironment, Environment } from '../environment/types.js'
import type { PortDevice } from './devices.js'

/** What the data plane is built for (DP_MAX_LCORES). */
export const mostLcores = 64

/** The allowed CPUs as far as the choice depends on them. */
export interface Candidates {
  readonly cpus: CpuEnvironment
  /** Allowed CPUs by physical core, in the order of their lowest. */
  readonly cores: readonly (readonly number[])[]
  /** CPUs on the NUMA nodes of the devices; null when nobody says where these are. */
  readonly near: ReadonlySet<number> | null
}

export interface Division {
  readonly polling: readonly number[]
  readonly reason: string
  readonly warning: boolean
}

export function listCandidates({ cpus, numaNodes }: Environment, devices: readonly PortDevice[]): Candidates {
  const known = cpus.cores.map((core) => core.filter((cpuId) => cpus.allowed.includes(cpuId)))
  const grouped = new Set(known.flat())
  // CPUs whose siblings nobody knows count as cores of their own.
  const alone = cpus.allowed.filter((cpuId) => !grouped.has(cpuId)).map((cpuId) => [cpuId])
  const cores = [...known, ...alone].filter(([first]) => first !== undefined).sort(([a = 0], [b = 0]) => a - b)
  const nodes = new Set(devices.flatMap(({ numaNode }) => numaNode ?? []))
  const near = numaNodes.filter(({ id }) => nodes.has(id)).flatMap((node) => node.cpus)
  return { cpus, cores, near: near.length > 0 ? new Set(near) : null }
}

/** By the rules that `planCpus` states. */
export function choosePolling(candidates: Candidates): Division {
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

/** What the operator chose stands, with a word about what it costs. */
export function judgeNamed(polling: readonly number[], { cores, cpus: { allowed, quota } }: Candidates): Division {
  const doubts: string[] = []
  const together = cores.filter((core) => core.filter((cpuId) => polling.includes(cpuId)).length > 1)
  if (together.length > 0) {
    doubts.push(`SMT siblings poll side by side (${together.map(formatCpuList).join(' and ')}) and share a core's time`)
  }
  if (quota !== null && quota < allowed.length) doubts.push(quotaText(quota))
  const reason = ['lcores names them', ...doubts].join(', but ')
  return { polling, reason, warning: doubts.length > 0 }
}
