import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations, Finding } from '../types.js'
import { describeCpus } from './cpu-words.js'

const codes = {
  'numa-cpus': {
    levels: ['warning'],
    meaning: 'a VF and the CPUs that poll it are on different NUMA nodes',
    remedyIn: 'node (topologyPolicy: single-numa-node) and SriovNetworkNodePolicy (excludeTopology)',
  },
  'numa-ok': { levels: ['ok'], meaning: 'VFs and polling CPUs are on the same NUMA nodes', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const numaCheck = {
  name: 'numa',
  title: 'Are VFs and CPUs on the same NUMA nodes?',
  codes,
  run(input) {
    const found = cpus(input)
    if (found.length > 0) return found
    const { environment, plan } = input
    const ports = plan.ports.map(({ name, numaNode }) => `${name} on ${numaNode ?? 'any'}`).join(', ')
    const nodes = environment.numaNodes.length
    return [
      finding('numa-ok', {
        subject: 'NUMA',
        needed: 'one node for a VF and its CPUs',
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
        found: `${describeCpus(far)} on node ${nodes}`,
        cause:
          'the kubelet gave CPUs and VF from different nodes: topology manager is not single-numa-node, or the policy has excludeTopology: true',
        remedy: `node: PerformanceProfile: spec.numa.topologyPolicy: single-numa-node; SriovNetworkNodePolicy: spec.excludeTopology: false; or Spillway: lcores with CPUs of node ${numaNode}`,
      }),
    ]
  })
}
