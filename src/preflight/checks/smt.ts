import { formatCpuList } from '../../config/cpu-list.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeCpus } from './cpu-words.js'

const codes = {
  'smt-both-poll': {
    levels: ['warning'],
    meaning: 'two SMT siblings of one core both poll: each gets half of it',
    remedyIn: 'Spillway (lcores)',
  },
  'smt-sibling-foreign': {
    levels: ['warning'],
    meaning: 'the SMT sibling of a polling CPU is not of this pod: somebody else runs on the same core',
    remedyIn: 'kubelet (full-pcpus-only)',
  },
  'smt-sibling-housekeeping': {
    levels: ['note'],
    meaning: 'the SMT sibling of a polling CPU does the housekeeping',
    remedyIn: 'pod spec (more CPUs)',
  },
  'smt-ok': {
    levels: ['ok'],
    meaning: 'polling CPUs have their cores for themselves, or there is no SMT',
    remedyIn: '-',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const smtCheck = {
  name: 'smt',
  title: 'Do polling CPUs have their cores for themselves?',
  codes,
  run(input) {
    const cores = input.environment.cpus.cores.filter((core) => core.length > 1)
    const found = [...bothPoll(cores, input), ...foreign(cores, input), ...housekeeping(cores, input)]
    if (found.length > 0) return found
    return [
      finding('smt-ok', {
        subject: 'SMT',
        needed: 'a core for each polling CPU',
        found: cores.length === 0 ? 'no SMT' : 'siblings of polling CPUs are idle',
      }),
    ]
  },
} satisfies Check

type Cores = readonly (readonly number[])[]

function bothPoll(cores: Cores, { plan }: CheckInput): Finding[] {
  const shared = cores.filter((core) => core.filter((cpuId) => plan.cpus.polling.includes(cpuId)).length > 1)
  if (shared.length === 0) return []
  return [
    finding('smt-both-poll', {
      subject: 'SMT',
      needed: 'a core for each polling CPU',
      found: `siblings that both poll: ${shared.map(formatCpuList).join(' and ')}`,
      cause: 'lcores names them, or the pod has no other CPUs',
      remedy: `Spillway: lcores: "${formatCpuList(withoutSiblings(plan.cpus.polling, cores))}"`,
    }),
  ]
}

/** The first polling CPU of each core. */
function withoutSiblings(polling: readonly number[], cores: Cores): number[] {
  const coreOf = (cpuId: number) => cores.find((core) => core.includes(cpuId)) ?? [cpuId]
  return polling.filter((cpuId, index) => !polling.slice(0, index).some((other) => coreOf(cpuId).includes(other)))
}

function foreign(cores: Cores, { environment, plan }: CheckInput): Finding[] {
  const { allowed } = environment.cpus
  const pairs = cores
    .filter((core) => core.some((cpuId) => plan.cpus.polling.includes(cpuId)))
    .filter((core) => core.some((cpuId) => !allowed.includes(cpuId)))
  if (pairs.length === 0) return []
  const theirs = pairs.flat().filter((cpuId) => !allowed.includes(cpuId))
  return [
    finding('smt-sibling-foreign', {
      subject: 'SMT',
      needed: 'both siblings of a core that polls',
      found: `${describeCpus(theirs)}: siblings of polling CPUs, and not of this pod`,
      cause:
        'the static CPU manager policy gives single threads unless full-pcpus-only is set, or the pod asks for an odd number',
      remedy:
        'kubelet: cpuManagerPolicyOptions: {full-pcpus-only: "true"}; pod spec: an even number in resources.limits.cpu',
    }),
  ]
}

function housekeeping(cores: Cores, { plan }: CheckInput): Finding[] {
  const { polling, housekeeping: rest } = plan.cpus
  const shared = cores.filter(
    (core) =>
      core.some((cpuId) => polling.includes(cpuId)) &&
      core.some((cpuId) => rest.includes(cpuId) && !polling.includes(cpuId)),
  )
  if (shared.length === 0) return []
  return [
    finding('smt-sibling-housekeeping', {
      subject: 'SMT',
      needed: 'housekeeping on another core than polling',
      found: `cores that do both: ${shared.map(formatCpuList).join(' and ')}`,
      cause: 'the pod has no core to spare',
      remedy: 'pod spec: resources.limits.cpu of two more, so that housekeeping gets a core of its own',
    }),
  ]
}
