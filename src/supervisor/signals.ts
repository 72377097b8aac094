import { createLogger } from '../log.js'
import { SAME_CTRL_C_MS } from './deadlines.js'

const log = createLogger({ component: 'supervisor' })

/**
 * SIGHUP asks a service to read its configuration again. Of a program on a terminal it says that the terminal went away,
 * which shall leave nobody behind.
 */
export function signalsOf(terminal: boolean): {
  readonly stop: readonly NodeJS.Signals[]
  readonly reload: readonly NodeJS.Signals[]
} {
  return terminal
    ? { stop: ['SIGTERM', 'SIGINT', 'SIGHUP'], reload: [] }
    : { stop: ['SIGTERM', 'SIGINT'], reload: ['SIGHUP'] }
}

/**
 * Calls `stop` for every signal that means it. What follows within 500 ms of the first is the same Ctrl-C: it reaches
 * the process group and comes once more from npm.
 *
 * @returns takes the handlers away again
 */
export function onStopSignals(
  signals: readonly NodeJS.Signals[],
  stop: () => void,
  now: () => number = () => performance.now(),
): () => void {
  let askedAtMs: number | undefined
  const take = (signal: NodeJS.Signals): void => {
    if (askedAtMs !== undefined && now() - askedAtMs < SAME_CTRL_C_MS) return
    log.info({ signal }, askedAtMs === undefined ? 'asked to stop' : 'asked to stop at once')
    askedAtMs ??= now()
    stop()
  }
  for (const signal of signals) process.on(signal, take)
  return () => {
    for (const signal of signals) process.off(signal, take)
  }
}

/** Requests to read the configuration again: those that come before somebody can are one, and wait. */
export class HangUps {
  #act: (() => void) | undefined
  #waiting = false

  constructor(signals: readonly NodeJS.Signals[]) {
    for (const signal of signals) process.on(signal, () => this.#take(signal))
  }

  answerWith(act: () => void): void {
    this.#act = act
    if (this.#waiting) act()
  }

  #take(signal: NodeJS.Signals): void {
    log.info({ signal }, 'asked to read the configuration again')
    this.#waiting = this.#act === undefined
    this.#act?.()
  }
}
