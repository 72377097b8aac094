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

/**
 * Requests to read the configuration again. Nobody could be told that one came at a bad moment: those that come before
 * somebody can answer, or while one is answered, are one more, and wait.
 */
export class HangUps {
  #act: (() => Promise<void>) | undefined
  #asked = false
  #answering = false

  constructor(signals: readonly NodeJS.Signals[]) {
    for (const signal of signals) process.on(signal, () => this.#take(signal))
  }

  /** @param act  reads it; never rejects */
  answerWith(act: () => Promise<void>): void {
    this.#act = act
    void this.#answer()
  }

  #take(signal: NodeJS.Signals): void {
    log.info({ signal }, 'asked to read the configuration again')
    this.#asked = true
    void this.#answer()
  }

  async #answer(): Promise<void> {
    if (this.#answering) return
    this.#answering = true
    while (this.#asked && this.#act !== undefined) {
      this.#asked = false
      await this.#act()
    }
    this.#answering = false
  }
}
