import { readFileSync } from 'node:fs'
import { createLogger } from '../log.js'
import { SAME_CTRL_C_MS } from '../supervisor/deadlines.js'

const log = createLogger({ component: 'exec' })

/** The signals of an `exec` from its first moment on: before there is a program they mean us. */
export function takeSignals(): { readonly early: AbortSignal; handTo(takers: SignalTakers): void } {
  const early = new AbortController()
  const end = (): void => early.abort()
  let takers: SignalTakers = { stop: end, interrupt: end, forward: () => {} }
  onExecSignals({
    stop: (signal) => takers.stop(signal),
    interrupt: () => takers.interrupt(),
    forward: (signal) => takers.forward(signal),
  })
  return {
    early: early.signal,
    handTo: (those) => {
      takers = those
    },
  }
}

export interface SignalTakers {
  /** An end is asked for; again after a moment when it is asked for once more. */
  stop(signal: NodeJS.Signals): void
  /** The terminal sent it to us and to the program alike. */
  interrupt(): void
  /** Whatever it means, it means the program. */
  forward(signal: NodeJS.Signals): void
}

const stopping = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const
const typed: readonly string[] = ['SIGINT', 'SIGQUIT'] satisfies NodeJS.Signals[]
const others = ['SIGUSR1', 'SIGUSR2'] as const

/**
 * Hands signals to those who know what to do. What is typed at a terminal (Ctrl-C, Ctrl-\) reaches the whole process
 * group, the program included: passed on, it would get it twice.
 *
 * @returns takes the handlers away again
 */
export function onExecSignals(
  takers: SignalTakers,
  fromTerminal: () => boolean = isForeground,
  now: () => number = () => performance.now(),
): () => void {
  let askedAtMs: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (typed.includes(signal) && fromTerminal()) {
      takers.interrupt()
      return
    }
    if (askedAtMs !== undefined && now() - askedAtMs < SAME_CTRL_C_MS) return
    log.info({ signal }, askedAtMs === undefined ? 'asked to stop' : 'asked to stop at once')
    askedAtMs ??= now()
    takers.stop(signal)
  }
  const forward = (signal: NodeJS.Signals): void => takers.forward(signal)
  for (const signal of stopping) process.on(signal, stop)
  for (const signal of others) process.on(signal, forward)
  return () => {
    for (const signal of stopping) process.off(signal, stop)
    for (const signal of others) process.off(signal, forward)
  }
}

/** Whether what is typed at a terminal reaches this process: it has one, and its process group is in front. */
export function isForeground(stat: string = readFileSync('/proc/self/stat', 'latin1')): boolean {
  // The name in parentheses may hold anything: fields are counted after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [, , group, , terminal, foregroundGroup] = fields
  return terminal !== '0' && group === foregroundGroup
}
