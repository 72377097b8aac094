import type { Hugepages } from '../../environment/types.js'
import { podLimit } from '../../plan/pod-limit.js'
import type { Plan } from '../../plan/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding, Level } from '../types.js'
import { explainLack } from './hugepages-lack.js'
import { mibOf, pageMib } from './page-size.js'

type ReservedMemory = Plan['program']['memory']

const codes = {
  'hugepages-none': {
    levels: ['warning', 'error'],
    meaning:
      'no hugepages at all: more TLB misses, and VFIO maps small pages; an error when memory.pageSize asks for them',
    remedyIn: 'pod spec (hugepages-… and node) or PerformanceProfile',
  },
  'hugepages-cgroup-limit': {
    levels: ['warning', 'error'],
    meaning: "the machine has free hugepages, but this pod's hugetlb cgroup does not let it take enough of them",
    remedyIn: 'pod spec (resources.limits.hugepages-…)',
  },
  'hugepages-in-use': {
    levels: ['warning', 'error'],
    meaning: 'the machine has hugepages, but too few are free',
    remedyIn: 'node (PerformanceProfile, vm.nr_hugepages)',
  },
  'hugepages-other-node': {
    levels: ['warning', 'error'],
    meaning: 'enough hugepages are free, but not on the NUMA nodes of the VFs and of the main lcore',
    remedyIn: 'PerformanceProfile (hugepages.pages[].node, topologyPolicy)',
  },
  'hugepages-other-size': {
    levels: ['error'],
    meaning: 'one page size was asked for, and another is there',
    remedyIn: 'pod spec (hugepages-SIZE) or Spillway (memory.pageSize)',
  },
  'hugepages-over-pod-limit': {
    levels: ['warning'],
    meaning:
      'the plan takes more than the pod limit in /etc/podnetinfo, and the cgroup does not show its limit: SIGBUS later',
    remedyIn: 'pod spec (resources.limits.hugepages-…) or Spillway (memory.mib)',
  },
  'hugepages-no-headroom': {
    levels: ['note'],
    meaning: 'the plan takes the last page that the pod may have',
    remedyIn: 'pod spec (resources.limits.hugepages-…)',
  },
  'hugepages-ok': { levels: ['ok'], meaning: 'enough hugepages, or none wanted', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const hugepagesCheck = {
  name: 'hugepages',
  title: 'Are there hugepages for the plan?',
  codes,
  covers: ['ERR_HUGEPAGES'],
  run(input) {
    const { config, environment, plan, problems } = input
    const found = inventory(environment.hugepages)
    const fine = (needed: string) => [finding('hugepages-ok', { subject: 'hugepages', needed, found })]
    if (config.memory.pageSize === 'none') return fine('none: memory.pageSize says so')
    const refused = problems.some(({ code }) => code === 'ERR_HUGEPAGES')
    if (refused || plan.memory.pageSize === 'none') return [lacking(input, refused ? 'error' : 'warning')]
    const doubts = [...overPodLimit(input), ...noHeadroom(input)]
    return doubts.length > 0 ? doubts : fine(`${plan.memory.mib} MiB`)
  },
} satisfies Check

/** Why there are too few, and what the plan does without. */
function lacking(input: CheckInput, level: Level): Finding {
  const { config, environment, plan } = input
  const asked = config.memory.pageSize === 'auto' ? '' : ` of ${config.memory.pageSize}`
  const without = level === 'warning' ? '; without them ordinary pages serve, with more TLB misses' : ''
  const { code, ...story } = explainLack(input)
  const words = {
    subject: `hugepages of ${config.memory.pageSize === 'auto' ? '2Mi' : config.memory.pageSize}`,
    needed: `${plan.memory.hugepagesMib} MiB of hugepages${asked}${without}`,
    found: inventory(environment.hugepages),
  }
  return finding(code, { ...words, ...story }, level)
}

/** Where cgroup v1 shows "unlimited" in the container and the limit lies at the pod. The program of `exec` has memory of its own. */
function overPodLimit(input: CheckInput): Finding[] {
  const { memory, program } = input.plan
  const own = overLimit(input, memory, '')
  return own.length > 0 ? own : overLimit(input, program.memory, ' for the program of exec')
}

function overLimit({ environment }: CheckInput, { pageSize, mib }: ReservedMemory, whose: string): Finding[] {
  if (pageSize === 'none') return []
  const pages = environment.hugepages.find(({ size }) => size === pageSize)
  const limit = podLimit(environment, pageSize)
  if (pages?.cgroup.limit !== null || limit === null || limit.mib >= mib) return []
  return [
    finding('hugepages-over-pod-limit', {
      subject: `hugepages of ${pageSize}`,
      needed: `${mib} MiB${whose}`,
      found: `a limit of ${limit.mib} MiB for container ${limit.container} in /etc/podnetinfo; the cgroup shows none`,
      cause:
        'the hugetlb limit is set at the level of the pod, which the container does not see, and is enforced when a page is touched',
      remedy: `pod spec: resources.limits: {hugepages-${pageSize}: ${mib}Mi}; or Spillway: memory.mib: ${limit.mib}`,
    }),
  ]
}

function noHeadroom({ environment, plan }: CheckInput): Finding[] {
  const { pageSize, mib } = plan.memory
  const pages = environment.hugepages.find(({ size }) => size === pageSize)
  if (pages === undefined || mibOf(pages.available, pages.size) - mib >= pageMib(pages.size)) return []
  return [
    finding('hugepages-no-headroom', {
      subject: `hugepages of ${pageSize}`,
      needed: `${mib} MiB and a page to spare, as long as a worker that died gives back its own`,
      found: `${mibOf(pages.available, pages.size)} MiB that this pod may take`,
      cause: 'the limit of the pod is the size of the plan',
      remedy: `pod spec: resources.limits: {hugepages-${pageSize}: ${mib + mibOf(pages.cgroup.used, pages.size) + pageMib(pages.size)}Mi}`,
    }),
  ]
}

function inventory(hugepages: readonly Hugepages[]): string {
  if (hugepages.length === 0) return 'no hugepages in this kernel'
  return hugepages
    .map(({ size, total, free, cgroup, available }) => {
      const limit = cgroup.limit === null ? 'no cgroup limit' : `cgroup limit ${cgroup.limit}, used ${cgroup.used}`
      return total === 0
        ? `no pages of ${size}`
        : `${size}: ${free} of ${total} pages free, ${limit}, so ${available} for us`
    })
    .join('; ')
}
