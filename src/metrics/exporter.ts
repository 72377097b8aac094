import type { Finding } from '../preflight/types.js'
import { groupByName, type Snapshot } from '../stats/series.js'
import type { SupervisorView } from '../supervisor/supervisor.js'
import { metricDefinitions } from './definitions.js'
import type { MetricInput } from './input.js'
import { readProcessStats } from './process-stats.js'
import { Scraper } from './scraper.js'

export type { MetricsFormat } from './scraper.js'

/** What a scrape of `run` is made of. */
export interface MetricsSource {
  readonly view: SupervisorView
  takeSnapshot(): Snapshot
  verdictOf(rule: string): string
}

/** Renders /metrics of `run`. */
export class MetricsExporter extends Scraper<MetricInput> {
  /** @param findings  of the checks before the start */
  constructor(source: MetricsSource, version: string, findings: readonly Finding[] = []) {
    super({ definitions: metricDefinitions, version, findings }, (own) => {
      const { view } = source
      const snapshot = source.takeSnapshot()
      return {
        ...own,
        view,
        snapshot,
        byName: groupByName(snapshot.samples),
        verdictOf: (rule) => source.verdictOf(rule),
        worker: view.worker ? readProcessStats(view.worker.pid) : null,
      }
    })
  }
}
