import { formatCpuList } from '../../config/cpu-list.js'
import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { mibOf } from './page-size.js'

const codes = {
  'numa-cpus': {
    levels: ['warning'],
    meaning: 'a VF and the CPUs that poll it are on different NUMA nodes',
    remedyIn: 'node (topologyPolicy: single-numa-node) and SriovNetworkNodePolicy (excludeTopology)',
  },
  'numa-hugepages': {
    levels: ['warning'],
    meaning: "the VF's NUMA node has no free hugepages for its mempool",
    remedyIn: 'PerformanceProfile (hugepages.pages[].node)',
  },
  'numa-ok': { levels: ['ok'], meaning: 'VFs, polling CPUs and hugepages are on the same NUMA nodes', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const numaCheck = {
  name: 'numa',
  title: 'Are VFs, CPUs and memory on the same NUMA nodes?',
  codes,
  run(input) {
    const found = [...cpus(input), ...hugepages(input)]
    if (found.length > 0) return found
    const { environment, plan } = input
    const ports = plan.ports.map(({ name, numaNode }) => `${name} on ${numaNode ?? 'any'}`).join(', ')
    const nodes = environment.numaNodes.length
    return [
      finding('numa-ok', {
        subject: 'NUMA',
        needed: 'one node for a VF, its CPUs and its memory',
        found: nodes < 2 ? 'one NUMA node' : `${nodes} NUMA nodes; ${ports}`,
      }),
    ]
  },
} satisfies Check

function cpus({ environment, plan }: CheckInput): Finding[] {
  const nodeOf = new Map(environment.numaNodes.flatMap(({ id, cpus: own }) => own.map((cpuId) => [cpuId, id] as const)))
  return plan.ports.flatMap(({ name, numaNode, pciAddress }) => {
    const far = plan.cpus.polling.filter(
      (cpuId) => numaNode !== null && nodeOf.has(cpuId) && nodeOf.get(cpuId) !== numaNode,
    )
    if (far.length === 0) return []
    const nodes = [...new Set(far.map((cpuId) => nodeOf.get(cpuId)))].join(', ')
    return [
      finding('numa-cpus', {
        subject: `port ${name}`,
        needed: `polling CPUs on NUMA node ${numaNode}, where ${pciAddress ?? 'the device'} is`,
        found: `CPUs ${formatCpuList(far)} on node ${nodes}`,
        cause:
          'the kubelet gave CPUs and VF from different nodes: topology manager is not single-numa-node, or the policy has excludeTopology: true',
        remedy: `node: PerformanceProfile: spec.numa.topologyPolicy: single-numa-node; SriovNetworkNodePolicy: spec.excludeTopology: false; or Spillway: lcores with CPUs of node ${numaNode}`,
      }),
    ]
  })
}

function hugepages({ environment, plan }: CheckInput): Finding[] {
  const { pageSize } = plan.memory
  const pages = environment.hugepages.find(({ size }) => size === pageSize)
  if (pageSize === 'none' || pages === undefined) return []
  return plan.ports.flatMap(({ name, numaNode }) => {
    const node = pages.nodes.find((candidate) => candidate.numaNode === numaNode)
    if (node === undefined || node.free > 0) return []
    return [
      finding('numa-hugepages', {
        subject: `port ${name}`,
        needed: `hugepages of ${pageSize} on NUMA node ${numaNode}`,
        found: pages.nodes.map((other) => `node ${other.numaNode}: ${mibOf(other.free, pageSize)} MiB free`).join(', '),
        cause: 'the pages of that node are taken, or the node reserves them elsewhere only',
        remedy: `PerformanceProfile: spec.hugepages.pages: [{size: …, count: …, node: ${numaNode}}]; node by hand: /sys/devices/system/node/node${numaNode}/hugepages/…/nr_hugepages`,
      }),
    ]
  })
}
