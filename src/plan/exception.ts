import type { ExceptionConfig, PortConfig } from '../config/schema.js'
import type { DeviceNode, Environment } from '../environment/types.js'
import { type ErrorCode, SpillwayError } from '../errors.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import { listNames } from './devices.js'
import { planExceptionQueues } from './exception-queues.js'
import type { Pairing } from './pairing.js'
import { findTapProblem } from './taps.js'
import type { PlannedPort } from './types.js'

export type PlannedException = PlannedPort['exception']
type Backend = PlannedException['backend']

/**
 * Chooses how a port's packets reach the kernel: the backend, on the tap that it was paired with.
 *
 * Refuses with `ERR_VHOST_NET`, `ERR_TUN`, `ERR_TAP_MISSING`, `ERR_TAP_NOT_A_TAP`, `ERR_TAP_OWNER` or `ERR_TAP_QUEUES`
 * when what was asked for is not there; the draft then keeps what was asked for.
 */
export function planException(
  port: PortConfig,
  index: number,
  pairing: Pairing | null,
  cpus: PlannedCpus,
  environment: Environment,
  log: DecisionLog,
): PlannedException {
  const { exception } = port
  const subject = `port ${port.name} exception path`
  if (exception.backend === 'vhost-user') return planVhostUser(exception, cpus, environment, subject, log)
  const { backend, reason } = chooseBackend(port, environment, log)
  if (backend === 'none') return withoutException(exception, reason, subject, log)
  const tap = pairing?.tap ?? `ext${index}`
  const netdev = environment.netdevs.find(({ name }) => name === tap)
  if (netdev === undefined) {
    // Nobody asked for this tap: a pod without one is a pure fast path.
    if (exception.tap === 'auto' && exception.backend === 'auto') {
      const names = environment.netdevs.map(({ name }) => name)
      return withoutException(exception, `there is no tap: ${tap} is not among ${listNames(names)}`, subject, log)
    }
    log.refuse(tapMissing(port.name, tap, environment))
  }
  log.note(subject, `${backend} on ${tap}`, `${reason}; ${pairing?.reason ?? 'exception.backend wants one'}`)
  const request = { queues: exception.queues, backend, tap: netdev }
  const queues = planExceptionQueues(request, cpus, environment, `${subject} queues`, log)
  const problem = netdev && findTapProblem(port.name, netdev, exception.hold ? queues + 1 : queues, environment)
  if (problem) log.refuse(problem)
  if (exception.hold)
    log.note(`${subject} hold`, 'one more queue of the tap', 'exception.hold keeps it through restarts')
  return { backend, tap, queues, hold: exception.hold, queueSize: exception.queueSize, socket: '', server: false }
}

/** The neighbour may come late and go: nothing of it is looked at. */
function planVhostUser(
  exception: ExceptionConfig,
  cpus: PlannedCpus,
  environment: Environment,
  subject: string,
  log: DecisionLog,
): PlannedException {
  const { queueSize, server } = exception
  const socket = exception.socket ?? ''
  const role = server ? 'the neighbour connects to us' : 'we connect to the neighbour'
  log.note(
    subject,
    `vhost-user at ${socket}`,
    `exception.backend says so; ${role}, which maps our packet memory; no tap, so no addresses for the rule local`,
  )
  const request = {
    queues: exception.queues === 'auto' ? 1 : exception.queues,
    backend: 'vhost-user',
    tap: undefined,
  } as const
  const queues = planExceptionQueues(request, cpus, environment, `${subject} queues`, log)
  return { backend: 'vhost-user', tap: '', queues, hold: false, queueSize, socket, server }
}

function chooseBackend(
  { name, exception }: PortConfig,
  { devices }: Environment,
  log: DecisionLog,
): { backend: Backend; reason: string } {
  const { vhostNet, tun } = devices
  if (exception.backend === 'none') return { backend: 'none', reason: 'exception.backend says so' }
  if (exception.backend === 'auto') {
    if (tun.state === 'usable' && vhostNet.state === 'usable') {
      return { backend: 'vhost-net', reason: '/dev/vhost-net can be opened' }
    }
    if (tun.state === 'usable') return { backend: 'tap', reason: describeAccess(vhostNet) }
    if (exception.tap === 'auto') return { backend: 'none', reason: describeAccess(tun) }
  }
  const wantsVhost = exception.backend === 'vhost-net'
  if (tun.state !== 'usable') log.refuse(unusable('ERR_TUN', name, tun))
  else if (wantsVhost && vhostNet.state !== 'usable') log.refuse(unusable('ERR_VHOST_NET', name, vhostNet))
  const reason = exception.backend === 'auto' ? 'exception.tap asks for it' : 'exception.backend says so'
  return { backend: wantsVhost ? 'vhost-net' : 'tap', reason }
}

function withoutException(
  { backend, queueSize }: ExceptionConfig,
  reason: string,
  subject: string,
  log: DecisionLog,
): PlannedException {
  if (backend === 'none') log.note(subject, 'none', reason)
  else log.warn(subject, 'none', `${reason}; rules to the kernel will drop`)
  return { backend: 'none', tap: '', queues: 1, hold: false, queueSize, socket: '', server: false }
}

function describeAccess(device: DeviceNode): string {
  if (device.state === 'usable') return `${device.path} can be opened`
  return device.state === 'missing' ? `there is no ${device.path}` : `${device.path} cannot be opened (${device.error})`
}

function unusable(code: ErrorCode, port: string, device: DeviceNode): SpillwayError {
  const mend =
    code === 'ERR_TUN'
      ? 'let the device plugin (needVhostNet) or the runtime give the pod /dev/net/tun, or set exception.backend to none'
      : 'set needVhostNet in the SriovNetworkNodePolicy and load vhost_net on the host, or set exception.backend to tap'
  return new SpillwayError(
    code,
    `port ${port}: need ${device.path} for the exception path, but ${describeAccess(device)}`,
    {
      hint: mend,
    },
  )
}

function tapMissing(port: string, tap: string, { netdevs, process }: Environment): SpillwayError {
  return new SpillwayError(
    'ERR_TAP_MISSING',
    `port ${port}: need the tap ${tap} in this network namespace, found ${listNames(netdevs.map(({ name }) => name))}`,
    {
      hint:
        `create it before the start: the tap CNI plugin does in a pod; by hand it is ` +
        `\`ip tuntap add dev ${tap} mode tap user ${process.uid} && ip link set ${tap} up\``,
    },
  )
}
