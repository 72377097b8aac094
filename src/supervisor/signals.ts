import { createLogger } from '../log.js'
import { SAME_CTRL_C_MS } from './deadlines.js'

const log = createLogger({ component: 'supervisor' })

/** SIGHUP too: the terminal that goes away takes nobody with it but leaves nobody behind either. */
const stopSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * Calls `stop` for every signal that means it. What follows within 500 ms of the first is the same Ctrl-C: it reaches
 * the process group and comes once more from npm.
 *
 * @returns takes the handlers away again
 */
export function onStopSignals(stop: () => void, now: () => number = () => performance.now()): () => void {
  let askedAtMs: number | undefined
  const take = (signal: NodeJS.Signals): void => {
    if (askedAtMs !== undefined && now() - askedAtMs < SAME_CTRL_C_MS) return
    log.info({ signal }, askedAtMs === undefined ? 'asked to stop' : 'asked to stop at once')
    askedAtMs ??= now()
    stop()
  }
  for (const signal of stopSignals) process.on(signal, take)
  return () => {
    for (const signal of stopSignals) process.off(signal, take)
  }
}
