/** Why a worker had to be replaced: the values of `spillway_worker_restarts_total{cause}`, all of them. */
export const restartCauses = {
  exited: 'ended by itself although nobody asked',
  killed: 'a signal from outside: SIGKILL (by hand, or the kernel is out of memory), SIGTERM, …',
  crashed: 'a signal of its own making: SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS',
  failed: 'reported an error while it was running',
  start_failed: 'reported an error, or ended, before it was forwarding',
  start_timeout: 'was not forwarding before the deadline',
  lcore_stalled: 'a worker lcore stood still',
  exception_stalled: 'an exception thread stood still',
  rules_timeout: 'did not answer to a rule list in time',
  protocol: 'sent what is not a message, or closed the channel',
} as const
export type RestartCause = keyof typeof restartCauses

const crashSignals = new Set<string>(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS'])

/** The cause of an end that the supervisor did not bring about itself. */
export function causeOfExit(signal: NodeJS.Signals | null, wasForwarding: boolean): RestartCause {
  if (signal !== null) return crashSignals.has(signal) ? 'crashed' : 'killed'
  return wasForwarding ? 'exited' : 'start_failed'
}
