import type { Sample, Snapshot } from '../stats/series.js'
import type { SupervisorView } from '../supervisor/supervisor.js'
import type { ProcessStats } from './process-stats.js'

export interface EventLoopLag {
  readonly meanSeconds: number
  readonly p50Seconds: number
  readonly p99Seconds: number
  readonly maxSeconds: number
}

/** Everything a scrape shows, read at its start. */
export interface MetricInput {
  readonly view: SupervisorView
  readonly snapshot: Snapshot
  /** The snapshot's samples by slot name. */
  readonly byName: ReadonlyMap<string, readonly Sample[]>
  readonly verdictOf: (rule: string) => string
  readonly build: { readonly version: string; readonly nodeVersion: string }
  readonly supervisor: ProcessStats | null
  readonly supervisorLag: EventLoopLag
  readonly supervisorHeapUsedBytes: number
  readonly supervisorStartSeconds: number
  readonly maxFds: number
  readonly worker: ProcessStats | null
  /** Of the scrape before this one. */
  readonly lastScrapeSeconds: number
  readonly scrapeErrors: number
}

/** One line of the output. Counters stay whole until here. */
export interface Value {
  readonly labels: Readonly<Record<string, string>>
  readonly value: bigint | number
}
