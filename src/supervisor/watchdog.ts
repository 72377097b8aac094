import type { Sample } from '../stats/series.js'
import type { RestartCause } from './causes.js'
import { StallDetector } from './stall-detector.js'

/** The heartbeats the data plane writes with every turn of a loop, and the cause when one stands still. */
const heartbeats: Readonly<Record<string, { readonly label: string; readonly cause: RestartCause }>> = {
  lcore_polls: { label: 'lcore', cause: 'lcore_stalled' },
  exception_polls: { label: 'thread', cause: 'exception_stalled' },
}

export interface Stall {
  readonly cause: RestartCause
  readonly message: string
}

/** Looks at the heartbeats until stopped and tells of the first stall. `stallMs` 0 switches it off. */
export function startWatchdog(
  stallMs: number,
  readWorker: () => readonly Sample[],
  onStall: (stall: Stall) => void,
): () => void {
  if (stallMs === 0) return () => {}
  const intervalMs = Math.max(10, stallMs / 8)
  const detector = new StallDetector({ stallMs, maxStepMs: 2 * intervalMs })
  const timer = setInterval(() => {
    const polls = new Map<string, bigint>()
    for (const { name, labels, value } of readWorker()) {
      const heartbeat = heartbeats[name]
      if (heartbeat) polls.set(`${name} ${labels[heartbeat.label]}`, value)
    }
    const [stalled] = detector.look(performance.now(), polls)
    if (stalled === undefined) return
    clearInterval(timer)
    const [name = '', which] = stalled.split(' ')
    const { label = '', cause = 'lcore_stalled' } = heartbeats[name] ?? {}
    onStall({
      cause,
      message: `${label === 'lcore' ? 'lcore' : 'exception thread'} ${which} stood still for ${stallMs} ms`,
    })
  }, intervalMs)
  return () => clearInterval(timer)
}
