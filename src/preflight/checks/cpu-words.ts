import { formatCpuList } from '../../config/cpu-list.js'

/** `CPU 5`, `CPUs 5-7` */
export function describeCpus(cpuIds: readonly number[]): string {
  return `${cpuIds.length === 1 ? 'CPU' : 'CPUs'} ${formatCpuList(cpuIds)}`
}
