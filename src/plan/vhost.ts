import { formatCpuList, parseCpuList } from '../config/cpu-list.js'
import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import type { Plan, PlannedPort } from './types.js'

const subject = 'vhost workers'
/** As many as native code takes. */
const mostCpus = 512

/**
 * Where the kernel's vhost workers run, one thread for each queue of vhost-net: with the housekeeping, since they take a CPU
 * as the exception threads do. That holds as far as they are threads of the worker process.
 *
 * Refuses with `ERR_CPUS` when a CPU was asked for that is not allowed.
 */
export function planVhost(
  { vhostCpus }: Config,
  cpus: PlannedCpus,
  ports: readonly PlannedPort[],
  environment: Environment,
  log: DecisionLog,
): Plan['vhost'] {
  const named = vhostCpus === 'auto' ? [] : takeNamed(vhostCpus, environment, log)
  const placed = (named.length > 0 ? named : cpus.housekeeping).slice(0, mostCpus)
  if (ports.some(({ exception }) => exception.backend === 'vhost-net')) note(placed, named, cpus, environment, log)
  return { cpus: placed }
}

function takeNamed(list: string, { cpus: { allowed } }: Environment, log: DecisionLog): number[] {
  const named = parseCpuList(list) ?? []
  const missing = named.filter((cpuId) => !allowed.includes(cpuId))
  if (missing.length > 0) {
    log.refuse(
      new SpillwayError(
        'ERR_CPUS',
        `vhostCpus: need CPUs ${formatCpuList(named)}, but ${formatCpuList(missing)} may not be used; ` +
          `allowed are ${formatCpuList(allowed)}`,
        { hint: 'name allowed CPUs, or leave vhostCpus at "auto"' },
      ),
    )
  }
  return named.filter((cpuId) => allowed.includes(cpuId))
}

function note(
  placed: readonly number[],
  named: readonly number[],
  { polling, pinning }: PlannedCpus,
  { kernel }: Environment,
  log: DecisionLog,
): void {
  if (vhostWorkersAreOurs(kernel.release) === false) {
    const reason = `Linux ${kernel.release} is older than 6.4: they are threads of the host's kernel, not of this pod`
    if (named.length === 0) log.note(subject, "the host's", reason)
    else log.warn(subject, "the host's", `${reason}; vhostCpus has no effect`)
    return
  }
  const one = pinning === 'each' ? ', one each in turn, since the scheduler would not move them' : ''
  const choice = `CPUs ${formatCpuList(placed)}`
  const polled = placed.filter((cpuId) => polling.includes(cpuId))
  if (polled.length > 0) {
    const reason = named.length > 0 ? 'vhostCpus says so' : 'the housekeeping CPUs'
    log.warn(subject, choice, `${reason}; on ${formatCpuList(polled)} they take turns with a polling lcore`)
    return
  }
  const reason =
    named.length > 0
      ? 'vhostCpus says so'
      : 'the housekeeping CPUs: a thread of this process for each queue of vhost-net, off the polling CPUs'
  log.note(subject, choice, `${reason}${one}`)
}

/**
 * Whether vhost workers are threads of the process that owns the vhost device: from Linux 6.4 on, as released by kernel.org;
 * a distribution may have brought the change back. Null when the release does not tell.
 */
export function vhostWorkersAreOurs(release: string): boolean | null {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? []
  if (major === undefined || minor === undefined) return null
  return Number(major) > 6 || (Number(major) === 6 && Number(minor) >= 4)
}
