import type { NumaNode } from '../environment/types.js'

/** The one node that all these CPUs are on, else the lowest: as EAL decides it for a thread that floats. */
export function nodeOfCpus(cpuIds: readonly number[], numaNodes: readonly NumaNode[]): number {
  const nodes = numaNodes.filter(({ cpus }) => cpuIds.some((cpuId) => cpus.includes(cpuId)))
  return nodes.length === 1 && nodes[0] !== undefined ? nodes[0].id : (numaNodes[0]?.id ?? 0)
}

/** A node that the machine has. */
export function knownNode(numaNode: number, numaNodes: readonly NumaNode[]): number {
  return numaNodes.some(({ id }) => id === numaNode) ? numaNode : (numaNodes[0]?.id ?? 0)
}
