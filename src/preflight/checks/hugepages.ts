import type { HugepageSize } from '../../config/terms.js'
import type { Hugepages } from '../../environment/types.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding, Level } from '../types.js'
import { mibOf, pageMib } from './page-size.js'

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
    const needed = `${plan.memory.mib} MiB`
    if (config.memory.pageSize === 'none') {
      return [
        finding('hugepages-ok', {
          subject: 'hugepages',
          needed: 'none: memory.pageSize says so',
          found: inventory(environment.hugepages),
        }),
      ]
    }
    const refused = problems.some(({ code }) => code === 'ERR_HUGEPAGES')
    if (refused || plan.memory.pageSize === 'none') return [lacking(input, refused ? 'error' : 'warning')]
    const doubts = [...overPodLimit(input), ...noHeadroom(input)]
    if (doubts.length > 0) return doubts
    return [
      finding('hugepages-ok', {
        subject: 'hugepages',
        needed,
        found: inventory(environment.hugepages),
      }),
    ]
  },
} satisfies Check

/** Why there are too few, with the nearest cause first. */
function lacking(input: CheckInput, level: Level): Finding {
  const { config, environment, plan } = input
  const { pageSize } = config.memory
  const asked = pageSize === 'auto' || pageSize === 'none' ? null : pageSize
  const { hugepages } = environment
  const wanted = hugepages.filter(({ size }) => asked === null || asked === size)
  const words = {
    subject: `hugepages of ${asked ?? '2Mi'}`,
    needed: `${plan.memory.mib} MiB of hugepages${asked === null ? '' : ` of ${asked}`}${level === 'warning' ? '; without them ordinary pages serve, with more TLB misses' : ''}`,
    found: inventory(hugepages),
  }
  const others = hugepages.filter(({ size, available }) => size !== asked && available > 0)
  if (asked !== null && others.length > 0 && wanted.every(({ available }) => available === 0)) {
    return finding('hugepages-other-size', { ...words, ...otherSize(asked, others) }, level)
  }
  const elsewhere = wanted.find(({ size, available }) => mibOf(available, size) >= plan.memory.mib)
  if (elsewhere !== undefined)
    return finding('hugepages-other-node', { ...words, ...otherNode(elsewhere, plan) }, level)
  const bounded = wanted.find(
    (pages) => pages.cgroup.limit !== null && mibOf(pages.free, pages.size) >= plan.memory.mib,
  )
  if (bounded !== undefined)
    return finding('hugepages-cgroup-limit', { ...words, ...cgroupLimit(bounded, plan.memory.mib) }, level)
  if (hugepages.every(({ total }) => total === 0))
    return finding('hugepages-none', { ...words, ...noneAtAll(asked ?? '2Mi', input) }, level)
  return finding('hugepages-in-use', { ...words, ...inUse(wanted, plan.memory.mib) }, level)
}

function otherSize(asked: HugepageSize, others: readonly Hugepages[]) {
  const [other] = others
  return {
    cause: `the pod or the node has hugepages of ${others.map(({ size }) => size).join(', ')}, and memory.pageSize asks for ${asked}`,
    remedy: `pod spec: resources.limits: {hugepages-${asked}: …} on a node with such pages; or Spillway: memory.pageSize: ${other?.size ?? 'auto'}`,
  }
}

function otherNode({ size, nodes }: Hugepages, { memory, ports }: CheckInput['plan']) {
  const wanted = [...new Set(ports.map(({ numaNode }) => numaNode ?? 0))].join(', ')
  const free = nodes.map(({ numaNode, free: pages }) => `node ${numaNode}: ${mibOf(pages, size)} MiB`).join(', ')
  return {
    found: `${size} pages free by NUMA node: ${free}; the VFs are on node ${wanted}`,
    cause: `others took the pages of node ${wanted}, or the node reserves them elsewhere; ${memory.nodes.length} nodes need some`,
    remedy: `node: PerformanceProfile: spec.hugepages.pages: [{size: …, count: …, node: ${wanted}}] and spec.numa.topologyPolicy: single-numa-node`,
  }
}

function cgroupLimit({ size, cgroup }: Hugepages, mib: number) {
  const limit = mibOf(cgroup.limit ?? 0, size)
  const used = mibOf(cgroup.used, size)
  return {
    cause:
      cgroup.limit === 0
        ? `the pod requests no hugepages-${size}, so its hugetlb cgroup allows none, whatever the machine has free`
        : `the pod's limit is ${limit} MiB, ${used} MiB of it in use; DPDK alone would look at the machine's free pages and die of SIGBUS`,
    remedy: `pod spec: resources.limits: {hugepages-${size}: ${roundedMi(mib + used, size)}Mi} (and the same in requests)`,
  }
}

function noneAtAll(size: HugepageSize, { environment, plan }: CheckInput) {
  const { mib } = plan.memory
  const byHand = `sysctl vm.nr_hugepages=${Math.ceil(mib / pageMib('2Mi')) + 8} for pages of 2Mi, hugepagesz= and hugepages= on the kernel command line for others`
  if (!environment.pod.kubernetes) return { cause: 'the machine reserves no hugepages', remedy: byHand }
  return {
    cause: 'the node reserves no hugepages; a pod that requests some would not be scheduled here',
    remedy: `node: PerformanceProfile: spec.hugepages.pages: [{size: ${size === '1Gi' ? '1G' : size.replace('i', '')}, count: …}], by hand ${byHand}; pod spec: resources.limits: {hugepages-${size}: ${roundedMi(mib, size)}Mi}`,
  }
}

function inUse(wanted: readonly Hugepages[], mib: number) {
  const size = wanted.find(({ total }) => total > 0)?.size ?? '2Mi'
  return {
    cause: 'other pods or leftover files of a killed DPDK program hold them, or the node has too few',
    remedy: `node: reserve more (PerformanceProfile: spec.hugepages, vm.nr_hugepages); pod spec: resources.limits: {hugepages-${size}: ${roundedMi(mib, size)}Mi}, so that the scheduler counts them; or Spillway: a smaller memory.mib`,
  }
}

/** Where cgroup v1 shows "unlimited" in the container and the limit lies at the pod. */
function overPodLimit({ environment, plan }: CheckInput): Finding[] {
  const { pageSize, mib } = plan.memory
  const { containerName, hugepages } = environment.pod
  const pages = environment.hugepages.find(({ size }) => size === pageSize)
  const limit = hugepages.find(
    (entry) =>
      entry.kind === 'limit' &&
      entry.size === pageSize &&
      (containerName === null || entry.container === containerName),
  )
  if (pages?.cgroup.limit !== null || limit === undefined || limit.mib >= mib) return []
  return [
    finding('hugepages-over-pod-limit', {
      subject: `hugepages of ${pageSize}`,
      needed: `${mib} MiB`,
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

function roundedMi(mib: number, size: HugepageSize): number {
  return Math.ceil(mib / pageMib(size)) * pageMib(size)
}
