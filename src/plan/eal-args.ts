import { formatCpuList } from '../config/cpu-list.js'
import type { Environment, NumaNode } from '../environment/types.js'
import type { PlannedCpus } from './cpus.js'
import { mainLcoreCpus } from './lcores.js'
import type { PlannedMemory } from './memory.js'
import type { Plan, PlannedPort } from './types.js'

/**
 * EAL's arguments, for DPDK 22.11 and newer.
 *
 * @see DPDK, "EAL parameters"
 */
export function buildEalArgs(
  lcores: string,
  memory: PlannedMemory,
  numaNodes: readonly NumaNode[],
  iovaMode: string,
  shared: boolean,
): string[] {
  return [
    '--lcores',
    lcores,
    ...buildMemoryArgs(memory, numaNodes, shared),
    // Nothing is probed by init: the ports follow one by one, each with its own result.
    '-a',
    '0000:00:00.0',
    `--iova-mode=${iovaMode}`,
    // Its socket wants a writable runtime directory, and the supervisor tells more.
    '--no-telemetry',
    '--file-prefix=spillway',
    '--log-level=*:info',
  ]
}

/** `0@(0,5),1@1`: the main lcore floats on the housekeeping CPUs, each worker lcore has its CPU. */
export function buildLcores(cpus: PlannedCpus, lcores: Plan['lcores']): string {
  const main = formatCpuList(mainLcoreCpus(cpus))
  return [`0@(${main})`, ...lcores.map(({ lcoreId, cpuId }) => `${lcoreId}@${cpuId}`)].join(',')
}

/**
 * Whether a neighbour maps our memory. vhost-user hands over a descriptor for each region of it and takes 8 at most: one for
 * each page is too many. Without hugepages it is one memfd anyway.
 */
export function sharesMemory(ports: readonly PlannedPort[]): boolean {
  return ports.some(({ exception }) => exception.backend === 'vhost-user')
}

/**
 * @param numaNodes  all that the machine has: a node without a limit could grow beyond the cgroup's.
 * @param shared     see {@link sharesMemory}
 */
export function buildMemoryArgs(
  { pageSize, mib, nodes }: Pick<PlannedMemory, 'pageSize' | 'mib' | 'nodes'>,
  numaNodes: readonly NumaNode[],
  shared: boolean,
): string[] {
  // 22.11 refuses --no-huge together with --in-memory.
  if (pageSize === 'none') return ['--no-huge', '--no-shconf', '-m', String(mib)]
  const count = Math.max(...nodes.map(({ numaNode }) => numaNode), ...numaNodes.map(({ id }) => id)) + 1
  const perNode = (value: (node: (typeof nodes)[number] | undefined) => number) =>
    Array.from({ length: count }, (_, id) => value(nodes.find(({ numaNode }) => numaNode === id))).join(',')
  return [
    '--in-memory',
    ...(shared ? ['--single-file-segments'] : []),
    '--socket-mem',
    perNode((node) => node?.mib ?? 0),
    '--socket-limit',
    // 0 would be no limit; less than a page is none at all.
    perNode((node) => node?.limitMib ?? 1),
  ]
}

/** Virtual addresses need no privilege and are what vhost-net is given anyway; UIO and no-IOMMU know physical ones only. */
export function chooseIovaMode(ports: readonly PlannedPort[], { pciDevices }: Environment): 'va' | 'pa' {
  const physical = pciDevices.some(
    ({ address, driver, noIommu }) =>
      ports.some(({ pciAddress }) => pciAddress === address) &&
      (noIommu || driver === 'igb_uio' || driver === 'uio_pci_generic'),
  )
  return physical ? 'pa' : 'va'
}
