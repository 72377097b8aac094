import type { ExceptionConfig } from '../config/schema.js'
import type { Environment, Netdev } from '../environment/types.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import type { PlannedException } from './exception.js'

/** As many as virtio-user has before DPDK 23.03; more only when somebody asks for them. */
const mostQueues = 8

/** What keeps a CPU busy behind each queue: its exception thread, and with vhost-net the kernel's worker too. */
const busyThreads = { tap: 1, 'vhost-net': 2, 'vhost-user': 1, none: 1 } as const satisfies Record<
  PlannedException['backend'],
  number
>

export interface QueueRequest {
  readonly queues: ExceptionConfig['queues']
  readonly backend: PlannedException['backend']
  readonly tap: Netdev | undefined
}

/**
 * How many queues of its tap a port uses, each served by an exception thread of its own.
 *
 * `auto` takes one, and as many as there are housekeeping CPUs for when the tap was made with several: one of these CPUs
 * is left to everything else, and each queue has as many as threads work behind it.
 */
export function planExceptionQueues(
  request: QueueRequest,
  cpus: PlannedCpus,
  environment: Environment,
  subject: string,
  log: DecisionLog,
): number {
  if (request.queues === 'auto') {
    const { queues, reason } = chooseQueues(request, cpus, environment)
    log.note(subject, String(queues), reason)
    return queues
  }
  const spare = cpus.housekeeping.length
  if (request.queues > 1 && request.queues > spare) {
    const turns = spare === 1 ? 'the one housekeeping CPU' : `${spare} housekeeping CPUs`
    log.warn(subject, String(request.queues), `exception.queues says so; their threads take turns on ${turns}`)
  } else log.note(subject, String(request.queues), 'exception.queues says so')
  return request.queues
}

function chooseQueues(
  { backend, tap }: QueueRequest,
  cpus: PlannedCpus,
  environment: Environment,
): { queues: number; reason: string } {
  if (tap?.tap == null) return { queues: 1, reason: 'every tap takes one; nobody says whether this one takes more' }
  if (!tap.tap.multiQueue) return { queues: 1, reason: 'the tap was made with one; more need multi_queue' }
  const left = countLeftCpus(cpus, environment)
  if (left < 1) return { queues: 1, reason: 'the tap takes several, but there is no CPU for more threads' }
  const each = busyThreads[backend]
  return {
    queues: Math.min(mostQueues, Math.max(1, Math.floor(left / each))),
    reason:
      `the tap takes several; housekeeping has ${left} ${left === 1 ? 'CPU' : 'CPUs'} beside the one for Node` +
      (each === 1 ? '' : ', and each queue has a thread and a vhost worker'),
  }
}

/** Housekeeping CPUs beside the one for Node and the control thread, as far as a CPU quota pays for them. */
function countLeftCpus({ housekeeping, polling }: PlannedCpus, { cpus }: Environment): number {
  const shared = housekeeping.some((cpuId) => polling.includes(cpuId))
  const paidFor = cpus.quota === null ? Number.POSITIVE_INFINITY : Math.floor(cpus.quota) - polling.length
  return shared ? 0 : Math.max(0, Math.min(housekeeping.length, paidFor) - 1)
}
