import type { KeeperView } from '../exec/keeper.js'
import type { Finding } from '../preflight/types.js'
import type { TelemetryView } from '../telemetry/poller.js'
import { type ExecInput, execDefinitions } from './exec-definitions.js'
import { readProcessStats } from './process-stats.js'
import { Scraper } from './scraper.js'

/** What a scrape of `exec` is made of. */
export interface ExecMetricsSource {
  readonly keeper: { readonly view: KeeperView }
  readonly telemetry: { readonly view: TelemetryView }
}

/** Renders /metrics of `exec`. */
export class ExecExporter extends Scraper<ExecInput> {
  /** @param findings  of the checks before the start */
  constructor({ keeper, telemetry }: ExecMetricsSource, version: string, findings: readonly Finding[]) {
    super({ definitions: execDefinitions, version, findings }, (own) => {
      const { view } = keeper
      return {
        ...own,
        view,
        telemetry: telemetry.view,
        program: view.pid === null ? null : readProcessStats(view.pid),
      }
    })
  }
}
