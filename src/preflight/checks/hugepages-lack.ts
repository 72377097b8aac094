import type { HugepageSize } from '../../config/terms.js'
import type { Hugepages } from '../../environment/types.js'
import type { CheckInput } from '../types.js'
import { mibOf, pageMib } from './page-size.js'

interface Lack {
  readonly code:
    | 'hugepages-none'
    | 'hugepages-cgroup-limit'
    | 'hugepages-in-use'
    | 'hugepages-other-node'
    | 'hugepages-other-size'
  readonly cause: string
  readonly remedy: string
}

/** Why the plan got no hugepages, with the nearest cause first. */
export function explainLack(input: CheckInput): Lack {
  const { config, environment, plan } = input
  const { pageSize } = config.memory
  const asked = pageSize === 'auto' || pageSize === 'none' ? null : pageSize
  const { hugepages } = environment
  const wanted = hugepages.filter(({ size }) => asked === null || asked === size)
  const others = hugepages.filter(({ size, available }) => size !== asked && available > 0)
  if (asked !== null && others.length > 0 && wanted.every(({ available }) => available === 0)) {
    return otherSize(asked, others)
  }
  const enough = ({ size }: Hugepages, pages: number) => mibOf(pages, size) >= plan.memory.hugepagesMib
  const elsewhere = wanted.find((pages) => enough(pages, pages.available))
  if (elsewhere !== undefined) return otherNode(elsewhere, plan)
  const bounded = wanted.find((pages) => pages.cgroup.limit !== null && enough(pages, pages.free))
  if (bounded !== undefined) return cgroupLimit(bounded, plan.memory.hugepagesMib)
  const none = hugepages.every(({ total }) => total === 0)
  return none ? noneAtAll(asked ?? '2Mi', input) : inUse(wanted, plan.memory.hugepagesMib)
}

function otherSize(asked: HugepageSize, others: readonly Hugepages[]): Lack {
  const [other] = others
  return {
    code: 'hugepages-other-size',
    cause: `the pod or the node has hugepages of ${others.map(({ size }) => size).join(', ')}, and memory.pageSize asks for ${asked}`,
    remedy: `pod spec: resources.limits: {hugepages-${asked}: …} on a node with such pages; or Spillway: memory.pageSize: ${other?.size ?? 'auto'}`,
  }
}

function otherNode({ size, nodes }: Hugepages, { ports }: CheckInput['plan']): Lack {
  const wanted = [...new Set(ports.map(({ numaNode }) => numaNode ?? 0))].join(', ')
  const free = nodes.map(({ numaNode, free: pages }) => `node ${numaNode}: ${mibOf(pages, size)} MiB`).join(', ')
  return {
    code: 'hugepages-other-node',
    cause: `pages of ${size} are free on ${free}, and the VFs are on node ${wanted}: others took its pages, or the machine reserves them elsewhere`,
    remedy: `node: PerformanceProfile: spec.hugepages.pages: [{size: …, count: …, node: ${wanted}}] and spec.numa.topologyPolicy: single-numa-node`,
  }
}

function cgroupLimit({ size, cgroup }: Hugepages, mib: number): Lack {
  const limit = mibOf(cgroup.limit ?? 0, size)
  const used = mibOf(cgroup.used, size)
  return {
    code: 'hugepages-cgroup-limit',
    cause:
      cgroup.limit === 0
        ? `the pod requests no hugepages-${size}, so its hugetlb cgroup allows none, whatever the machine has free`
        : `the pod's limit is ${limit} MiB, ${used} MiB of it in use; DPDK alone would look at the machine's free pages and die of SIGBUS`,
    remedy: `pod spec: resources.limits: {hugepages-${size}: ${roundedMi(mib + used, size)}Mi} (and the same in requests)`,
  }
}

function noneAtAll(size: HugepageSize, { environment, plan }: CheckInput): Lack {
  const { hugepagesMib: mib } = plan.memory
  const byHand = `sysctl vm.nr_hugepages=${Math.ceil(mib / pageMib('2Mi')) + 8} for pages of 2Mi, hugepagesz= and hugepages= on the kernel command line for others`
  if (!environment.pod.kubernetes) {
    return { code: 'hugepages-none', cause: 'the machine reserves no hugepages', remedy: byHand }
  }
  return {
    code: 'hugepages-none',
    cause: 'the node reserves no hugepages; a pod that requests some would not be scheduled here',
    remedy: `node: PerformanceProfile: spec.hugepages.pages: [{size: ${size === '1Gi' ? '1G' : size.replace('i', '')}, count: …}], by hand ${byHand}; pod spec: resources.limits: {hugepages-${size}: ${roundedMi(mib, size)}Mi}`,
  }
}

function inUse(wanted: readonly Hugepages[], mib: number): Lack {
  const size = wanted.find(({ total }) => total > 0)?.size ?? '2Mi'
  return {
    code: 'hugepages-in-use',
    cause: 'other pods or leftover files of a killed DPDK program hold them, or the node has too few',
    remedy: `node: reserve more (PerformanceProfile: spec.hugepages, vm.nr_hugepages); pod spec: resources.limits: {hugepages-${size}: ${roundedMi(mib, size)}Mi}, so that the scheduler counts them; or Spillway: a smaller memory.mib`,
  }
}

function roundedMi(mib: number, size: HugepageSize): number {
  return Math.ceil(mib / pageMib(size)) * pageMib(size)
}
