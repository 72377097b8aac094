import { parseCpuList } from '../config/cpu-list.js'
import type { HostFiles } from './host-files.js'
import type { CpuEnvironment } from './types.js'

/** @see proc_pid_status(5), cgroups(7) */
export function discoverCpus(files: HostFiles): CpuEnvironment {
  const status = files.text('proc/self/status') ?? ''
  const allowed = parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '') ?? []
  return {
    allowed,
    online: parseCpuList(files.text('sys/devices/system/cpu/online') ?? '') ?? allowed,
    isolated: parseCpuList(files.text('sys/devices/system/cpu/isolated') ?? '') ?? [],
    quota: readQuota(files.text('sys/fs/cgroup/cpu.max') ?? ''),
    nohzFull: [],
    throttledPeriods: null,
    cgroupVersion: null,
    cgroupCpuset: null,
    loadBalancing: true,
    cores: allowed.map((cpuId) => [cpuId]),
    mixed: null,
  }
}

/** `200000 100000` is two CPUs; `max 100000` is no limit. */
function readQuota(text: string): number | null {
  const match = /^(\d+) (\d+)\s*$/.exec(text)
  const quota = Number(match?.[1]) / Number(match?.[2])
  return Number.isFinite(quota) ? quota : null
}
