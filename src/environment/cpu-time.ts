import type { Cgroups, Controller } from './cgroups.js'
import type { HostFiles } from './host-files.js'
import type { CpuEnvironment } from './types.js'

/** How much CPU time the cgroups allow, and whether that held them back. */
export function discoverCpuTime(
  files: HostFiles,
  cgroups: Cgroups,
): Pick<CpuEnvironment, 'quota' | 'throttledPeriods'> {
  const cpu = cgroups.controller('cpu')
  const quotas = (cpu?.folders ?? []).map((folder) => readQuota(files, folder, cpu))
  const least = Math.min(...quotas.filter((quota) => quota !== null))
  const throttled = /^nr_throttled (\d{1,15})$/m.exec(cgroups.nearest(cpu, 'cpu.stat') ?? '')
  return {
    quota: Number.isFinite(least) ? least : null,
    throttledPeriods: throttled === null ? null : Number(throttled[1]),
  }
}

/** `200000 100000` is two CPUs; `max 100000` is no limit, and so is a negative quota of v1. */
function readQuota(files: HostFiles, folder: string, cpu: Controller | null): number | null {
  const [quota, period] =
    cpu?.version === 1
      ? [files.number(`${folder}/cpu.cfs_quota_us`), files.number(`${folder}/cpu.cfs_period_us`)]
      : (files.text(`${folder}/cpu.max`) ?? '').trim().split(' ').map(Number)
  const cpus = Number(quota) / Number(period)
  return cpus > 0 && Number.isFinite(cpus) ? cpus : null
}
