import { parseCpuList } from '../config/cpu-list.js'
import type { HostFiles } from './host-files.js'
import type { NumaNode } from './types.js'

const folder = 'sys/devices/system/node'

/** A kernel without NUMA has the one node 0 with all CPUs. */
export function discoverNumaNodes(files: HostFiles, online: readonly number[]): NumaNode[] {
  const nodes = listNumaNodes(files).map((id) => ({
    id,
    cpus: parseCpuList(files.text(`${folder}/node${id}/cpulist`) ?? '') ?? [],
  }))
  return nodes.length > 0 ? nodes : [{ id: 0, cpus: online }]
}

/** Their numbers, ascending. */
export function listNumaNodes(files: HostFiles): number[] {
  const ids = files.names(folder).flatMap((name) => /^node(\d{1,4})$/.exec(name)?.[1] ?? [])
  return ids.map(Number).sort((a, b) => a - b)
}
