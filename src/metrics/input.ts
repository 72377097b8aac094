import type { Sample, Snapshot } from '../stats/series.js'
import type { SupervisorView } from '../supervisor/supervisor.js'
import type { OwnInput } from './own-input.js'
import type { ProcessStats } from './process-stats.js'

/** Everything a scrape of `run` shows, read at its start. */
export interface MetricInput extends OwnInput {
  readonly view: SupervisorView
  readonly snapshot: Snapshot
  /** The snapshot's samples by slot name. */
  readonly byName: ReadonlyMap<string, readonly Sample[]>
  readonly verdictOf: (rule: string) => string
  readonly worker: ProcessStats | null
}

/** One line of the output. Counters stay whole until here. */
export interface Value {
  readonly labels: Readonly<Record<string, string>>
  readonly value: bigint | number
}
