import type { Environment } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { wordsFor } from './surroundings.js'

const codes = {
  'cpu-quota': {
    levels: ['warning', 'note'],
    meaning:
      'a CPU quota (CFS) with lcores that poll: they use it up, and the kernel stops all threads; a note when lcores sleep in a ramp',
    remedyIn:
      'pod spec (cpu-quota.crio.io: disable with runtimeClassName), container (--cpuset-cpus), systemd (CPUQuota) or Spillway (idle: ramp)',
  },
  'cpu-throttled': {
    levels: ['warning'],
    meaning: 'the cgroup was held back by its quota already',
    remedyIn:
      'pod spec (cpu-quota.crio.io: disable with runtimeClassName), container (--cpuset-cpus) or systemd (CPUQuota)',
  },
  'cpu-quota-ok': { levels: ['ok'], meaning: 'no CPU quota', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const cpuQuotaCheck = {
  name: 'cpu-quota',
  title: 'Is there a CPU quota?',
  codes,
  run(input) {
    const { quota } = input.environment.cpus
    const found = [...withPolling(input), ...throttled(input)]
    if (found.length > 0) return found
    return [
      finding('cpu-quota-ok', {
        subject: 'CPU quota',
        needed: 'none',
        found: quota === null ? 'none' : `${quota} CPUs`,
      }),
    ]
  },
} satisfies Check

function withPolling({ environment, plan }: CheckInput): Finding[] {
  const { quota, allowed } = environment.cpus
  if (quota === null) return []
  const polls = plan.idle === 'poll'
  const words = {
    subject: 'CPU quota',
    needed: `no quota: lcores (${plan.lcores.length}) ${polls ? 'poll all the time' : 'sleep in a ramp when idle, and use all of it under load'}`,
    found: `CPU time of ${quota} for ${allowed.length} allowed CPUs`,
    cause: causeOf(environment),
    remedy: polls ? `${remedyFor(environment)}; or Spillway: idle: ramp` : remedyFor(environment),
  }
  return [finding('cpu-quota', words, polls ? 'warning' : 'note')]
}

function causeOf(environment: Environment): string {
  const annotation = environment.pod.runtimeAnnotations['cpu-quota.crio.io']
  const origin = wordsFor(environment, {
    pod: 'a limit of cpu becomes a quota, also where it is a whole number',
    container: 'the option --cpus is a quota, also where it is a whole number',
    host: 'a systemd unit or slice has CPUQuota=',
  })
  return annotation === undefined
    ? `${origin}; it counts Node's threads too`
    : `the annotation cpu-quota.crio.io is "${annotation}", but it counts only with the runtime class of a PerformanceProfile`
}

function remedyFor(environment: Environment): string {
  return wordsFor(environment, {
    pod:
      'pod spec: metadata.annotations: {cpu-quota.crio.io: "disable"} with runtimeClassName: performance-<profile> (CRI-O, Guaranteed QoS); ' +
      'elsewhere a kubelet with cpuCFSQuota: false',
    container: 'container: --cpuset-cpus LIST in place of --cpus',
    host: 'systemd: CPUQuota= (empty) in the unit and in the slices above it, AllowedCPUs= to bound it',
  })
}

function throttled({ environment }: CheckInput): Finding[] {
  const { throttledPeriods, quota } = environment.cpus
  if (throttledPeriods === null || throttledPeriods === 0 || quota === null) return []
  return [
    finding('cpu-throttled', {
      subject: 'CPU quota',
      needed: 'no throttled period',
      found: `${throttledPeriods} periods in which threads had to stand still`,
      cause: `it used more than its ${quota} CPUs`,
      remedy: remedyFor(environment),
    }),
  ]
}
