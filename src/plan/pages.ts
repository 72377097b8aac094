import { pageKib } from '../environment/hugepages.js'
import type { Hugepages } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { Plan } from './types.js'

export type PageSize = Plan['memory']['pageSize']

/** Memory by NUMA node, in MiB; ascending, without nodes that have none. */
export type NodeMemory = readonly { readonly numaNode: number; readonly mib: number }[]

export function pageMib(size: PageSize): number {
  return size === 'none' ? 1 : pageKib(size) / 1024
}

export function roundToPages(mib: number, size: PageSize): number {
  return Math.ceil(mib / pageMib(size)) * pageMib(size)
}

export function sumMib(nodes: NodeMemory): number {
  return nodes.reduce((sum, { mib }) => sum + mib, 0)
}

/** What can still be taken on a node: its free pages, or what the cgroup leaves when that is less. */
export function availableMib({ size, available, nodes }: Hugepages, numaNode: number): number {
  const free = nodes.find((node) => node.numaNode === numaNode)?.free ?? available
  return Math.min(free, available) * pageMib(size)
}

/** Whether the memory fits: on each node, and together into what the cgroup leaves. */
export function hasEnough(pages: Hugepages, needed: NodeMemory): boolean {
  const rounded = needed.map(({ numaNode, mib }) => ({ numaNode, mib: roundToPages(mib, pages.size) }))
  const together = sumMib(rounded) <= pages.available * pageMib(pages.size)
  return together && rounded.every(({ numaNode, mib }) => mib <= availableMib(pages, numaNode))
}

/** What there is of each size; by node where more than one counts. */
export function describePages(hugepages: readonly Hugepages[], needed: NodeMemory): string {
  if (hugepages.length === 0) return 'no hugepages in this kernel'
  return hugepages.map((pages) => describeSize(pages, needed)).join(', ')
}

function describeSize({ size, total, free, available, cgroup, nodes }: Hugepages, needed: NodeMemory): string {
  const [node] = needed
  // The whole machine's free pages do not tell why it fails when those of the node are meant.
  const spread = nodes.length > 1 && total > 0 && node !== undefined
  const byNode = nodes.map(({ numaNode, free: pages }) => `node ${numaNode}: ${pages}`).join(', ')
  const held =
    cgroup.limit !== null && available < free ? `the cgroup allows ${cgroup.limit} and ${cgroup.used} are used` : ''
  const more = [...(held === '' ? [] : [held]), ...(spread ? [byNode] : [])].join('; ')
  return `${available} of ${total} pages of ${size} free${more === '' ? '' : ` (${more})`}`
}

export function tooFewPages(
  size: Exclude<PageSize, 'none'>,
  needed: NodeMemory,
  hugepages: readonly Hugepages[],
): SpillwayError {
  const mib = sumMib(needed.map(({ numaNode, mib }) => ({ numaNode, mib: roundToPages(mib, size) })))
  return new SpillwayError(
    'ERR_HUGEPAGES',
    `need ${mib} MiB of ${size} hugepages, found ${describePages(hugepages, needed)}`,
    {
      hint:
        `raise hugepages-${size} in the pod's limits, ` +
        `set vm.nr_hugepages on the host, or set memory.pageSize to "auto" or "none"`,
    },
  )
}
