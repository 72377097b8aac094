import { parseCpuList } from '../config/cpu-list.js'
import type { HostFiles } from './host-files.js'

const folder = 'sys/devices/system/cpu'

/** The online CPUs by physical core. Where the kernel does not say, every CPU is a core of its own. */
export function discoverCores(files: HostFiles, online: readonly number[]): number[][] {
  const cores: number[][] = []
  const seen = new Set<number>()
  for (const cpuId of online) {
    if (seen.has(cpuId)) continue
    const topology = `${folder}/cpu${cpuId}/topology`
    const listed = readSiblings(files, topology)
    const core = [...new Set([cpuId, ...listed.filter((id) => online.includes(id) && !seen.has(id))])]
    for (const id of core) seen.add(id)
    cores.push(core.sort((a, b) => a - b))
  }
  return cores
}

/** Newer kernels have both; the first is the older name. */
function readSiblings(files: HostFiles, topology: string): number[] {
  const texts = ['thread_siblings_list', 'core_cpus_list'].map((name) => files.text(`${topology}/${name}`))
  return texts.map((text) => parseCpuList(text ?? '')).find((list) => list !== undefined) ?? []
}
