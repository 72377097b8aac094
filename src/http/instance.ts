import type { MetricsFormat } from '../metrics/exporter.js'

/** A running instance, whatever it runs, as HTTP shows it. Every answer is made when it is asked for. */
export interface ServedInstance {
  readiness(): Readiness
  /** Everything, for /api/v1/status. */
  status(): object
  plan(): object
  /** What was checked before the start. */
  checks(): object
  /** The rule list in force; left out by what has none. */
  rules?(): object
  /** The page for people. */
  page(): string
}

export interface Readiness {
  readonly ready: boolean
  readonly state: string
  /** Why not; empty when it is ready. */
  readonly reasons: readonly string[]
}

/** What renders /metrics. */
export interface ServedMetrics {
  contentType(format: MetricsFormat): string
  render(format: MetricsFormat): Promise<string>
}
