import { parseCpuList } from '../config/cpu-list.js'
import type { Cgroups } from './cgroups.js'
import { discoverCores } from './cpu-cores.js'
import { discoverCpuTime } from './cpu-time.js'
import type { HostFiles } from './host-files.js'
import { discoverLoadBalancing } from './load-balancing.js'
import type { CpuEnvironment, PodEnvironment } from './types.js'

type Variables = Readonly<Record<string, string | undefined>>

const cpuFolder = 'sys/devices/system/cpu'

/**
 * What the CPUs are and which of them are ours; and whether the launcher has said which those are.
 *
 * @see proc_pid_status(5), cgroups(7), cpuset(7)
 */
export function discoverCpus(
  files: HostFiles,
  cgroups: Cgroups,
  env: Variables,
  annotations: PodEnvironment['runtimeAnnotations'],
): { cpus: CpuEnvironment; launched: boolean } {
  const now = readAffinity(files)
  const online = readList(files, `${cpuFolder}/online`) ?? now
  const cpuset = cgroups.controller('cpuset')
  const cgroupCpuset = readCpuset(cgroups)
  const before = allowedBeforeLaunch(env, now, cgroupCpuset ?? online)
  const cpus = {
    allowed: before ?? now,
    online,
    isolated: readList(files, `${cpuFolder}/isolated`) ?? [],
    nohzFull: readList(files, `${cpuFolder}/nohz_full`) ?? [],
    ...discoverCpuTime(files, cgroups),
    cgroupVersion: cpuset?.version ?? null,
    cgroupCpuset,
    loadBalancing: discoverLoadBalancing(cgroups, annotations),
    cores: discoverCores(files, online),
    mixed: readMixed(env),
  }
  return { cpus, launched: before !== undefined }
}

/** The CPUs this process may use now. */
export function readAffinity(files: HostFiles): number[] {
  const status = files.text('proc/self/status') ?? ''
  return parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '') ?? []
}

/**
 * The CPUs that `spillway-launch` found before it moved to the housekeeping ones. Anybody can set a variable: it
 * counts only when it holds what is allowed now, and nothing that the cgroup (or the machine) does not give.
 */
export function allowedBeforeLaunch(
  env: Variables,
  now: readonly number[],
  given: readonly number[],
): number[] | undefined {
  const list = parseCpuList(env.SPILLWAY_ALLOWED_CPUS ?? '')
  const holds = list !== undefined && now.length > 0 && now.every((cpuId) => list.includes(cpuId))
  return holds && list.every((cpuId) => given.includes(cpuId)) ? list : undefined
}

/** The cgroup's own CPUs. */
function readCpuset(cgroups: Cgroups): number[] | null {
  const cpuset = cgroups.controller('cpuset')
  const names = cpuset?.version === 1 ? ['cpuset.effective_cpus', 'cpuset.cpus'] : ['cpuset.cpus.effective']
  const texts = names.map((name) => cgroups.nearest(cpuset, name))
  return texts.map((text) => parseCpuList(text ?? '')).find((list) => list !== undefined) ?? null
}

/** CRI-O gives both to a container that asked for shared CPUs. */
function readMixed({ OPENSHIFT_ISOLATED_CPUS, OPENSHIFT_SHARED_CPUS }: Variables): CpuEnvironment['mixed'] {
  const [isolated, shared] = [OPENSHIFT_ISOLATED_CPUS, OPENSHIFT_SHARED_CPUS].map((list) => parseCpuList(list ?? ''))
  return isolated === undefined || shared === undefined ? null : { isolated, shared }
}

function readList(files: HostFiles, path: string): number[] | undefined {
  return parseCpuList(files.text(path) ?? '')
}
