import type { Cgroups, Controller } from './cgroups.js'
import type { HostFiles } from './host-files.js'
import type { CpuEnvironment } from './types.js'

/** How much CPU time the cgroups allow, and whether that held them back. */
export function discoverCpuTime(
  files: HostFiles,
  cgroups: Cgroups,
): Pick<CpuEnvironment, 'quota' | 'shares' | 'throttledPeriods'> {
  const cpu = cgroups.controller('cpu')
  const quotas = (cpu?.folders ?? []).map((folder) => readQuota(files, folder, cpu))
  const least = Math.min(...quotas.filter((quota) => quota !== null))
  const throttled = /^nr_throttled (\d{1,15})$/m.exec(cgroups.nearest(cpu, 'cpu.stat') ?? '')
  return {
    quota: Number.isFinite(least) ? least : null,
    shares: readShares(cgroups, cpu),
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

/**
 * Runtimes make the weight of v2 (1 to 10000) from shares (2 to 262144) in a straight line and round down. Newer ones use
 * a curve that gives more for the same shares, so these are rather too many than too few.
 */
function readShares(cgroups: Cgroups, cpu: Controller | null): number | null {
  const text = cgroups.nearest(cpu, cpu?.version === 1 ? 'cpu.shares' : 'cpu.weight')?.trim() ?? ''
  if (!/^\d{1,6}$/.test(text)) return null
  return cpu?.version === 1 ? Number(text) : Math.max(0, Math.round(2 + ((Number(text) - 1) * 262_142) / 9999))
}
