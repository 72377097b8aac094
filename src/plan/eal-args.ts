import { formatCpuList } from '../config/cpu-list.js'
import type { PlannedCpus } from './lcores.js'
import type { PlannedMemory } from './memory.js'
import type { Plan } from './types.js'

/**
 * EAL's arguments, for DPDK 22.11 and newer.
 *
 * @see DPDK, "EAL parameters"
 */
export function buildEalArgs(cpus: PlannedCpus, lcores: Plan['lcores'], memory: PlannedMemory): string[] {
  return [
    '--lcores',
    buildLcores(cpus, lcores),
    ...(memory.pageSize === 'none'
      ? // 22.11 refuses --no-huge together with --in-memory.
        ['--no-huge', '--no-shconf']
      : ['--in-memory']),
    '-m',
    String(memory.mib),
    // Nothing is probed by init: the ports follow one by one, each with its own result.
    '-a',
    '0000:00:00.0',
    // Virtual addresses need no privilege and are what vhost-net is given anyway.
    '--iova-mode=va',
    // Its socket wants a writable runtime directory, and the supervisor tells more.
    '--no-telemetry',
    '--file-prefix=spillway',
    '--log-level=*:info',
  ]
}

/** `0@(0,5),1@1`: the main lcore floats on the housekeeping CPUs, each worker lcore has its CPU. */
function buildLcores({ housekeeping }: PlannedCpus, lcores: Plan['lcores']): string {
  return [`0@(${formatCpuList(housekeeping)})`, ...lcores.map(({ lcoreId, cpuId }) => `${lcoreId}@${cpuId}`)].join(',')
}
