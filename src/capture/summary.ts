import { z } from 'zod'
import { captureResult } from '../ipc/messages.js'

/** What came of a capture, and what is needed to say what it cost. */
export const captureSummary = captureResult.extend({
  seconds: z.number(),
  tscHz: z.number(),
  /** Lcores and exception threads that it took time from. */
  producers: z.int(),
})
export type CaptureSummary = z.infer<typeof captureSummary>

/** For people, a line for each thing. */
export function formatSummary(summary: CaptureSummary): string {
  const { written, passed, skipped, missed, error } = summary
  const lines = [
    `${count(written)} written, ${count(passed)} came by`,
    ...(skipped > 0 ? [`${count(skipped)} left out by --sample and --pps`] : []),
    ...(missed > 0 ? [`${count(missed)} missed: the reader was too slow`] : []),
    ...(error === null || error === 'EPIPE' ? [] : [`ended by ${error}`]),
    costOf(summary),
  ]
  return lines.map((line) => `capture: ${line}\n`).join('')
}

function costOf({ cycles, passed, seconds, tscHz, producers }: CaptureSummary): string {
  const each = passed > 0 ? `${(cycles / passed).toFixed(1)} cycles for each that came by, ` : ''
  const share = seconds > 0 ? (100 * cycles) / (tscHz * seconds * producers) : 0
  return `cost ${each}${share.toFixed(3)} % of the time of lcores and exception threads (${producers})`
}

function count(packets: number): string {
  return `${packets.toLocaleString('en-US')} packet${packets === 1 ? '' : 's'}`
}
