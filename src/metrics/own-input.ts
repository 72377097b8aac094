import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Finding } from '../preflight/types.js'
import { type ProcessStats, readMaxFds, readProcessStats } from './process-stats.js'

export interface EventLoopLag {
  readonly meanSeconds: number
  readonly p50Seconds: number
  readonly p99Seconds: number
  readonly maxSeconds: number
}

/** What a scrape shows of Spillway's own process, whatever it runs. */
export interface OwnInput {
  readonly build: { readonly version: string; readonly nodeVersion: string }
  /** Of the checks before the start. */
  readonly findings: readonly Finding[]
  readonly supervisor: ProcessStats | null
  readonly supervisorLag: EventLoopLag
  readonly supervisorHeapUsedBytes: number
  readonly supervisorStartSeconds: number
  readonly maxFds: number
  /** Of the scrape before this one. */
  readonly lastScrapeSeconds: number
  readonly scrapeErrors: number
}

/** Twice as long as a scheduler's tick: the monitor itself must not keep a housekeeping CPU awake. */
const LAG_RESOLUTION_MS = 50

/** Reads this process. */
export class OwnReader {
  readonly #build: OwnInput['build']
  readonly #findings: readonly Finding[]
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  readonly #maxFds = readMaxFds()
  readonly #startSeconds = Date.now() / 1000 - process.uptime()

  constructor(version: string, findings: readonly Finding[]) {
    this.#build = { version, nodeVersion: process.version }
    this.#findings = findings
    this.#lag.enable()
  }

  read(scrapes: Pick<OwnInput, 'lastScrapeSeconds' | 'scrapeErrors'>): OwnInput {
    return {
      ...scrapes,
      build: this.#build,
      findings: this.#findings,
      supervisor: readProcessStats('self'),
      supervisorLag: takeLag(this.#lag),
      supervisorHeapUsedBytes: getHeapStatistics().used_heap_size,
      supervisorStartSeconds: this.#startSeconds,
      maxFds: this.#maxFds,
    }
  }

  stop(): void {
    this.#lag.disable()
  }
}

/** The monitor measures how long its own timer took: what is more than the timer's time is lag. */
function takeLag(monitor: IntervalHistogram): EventLoopLag {
  const seconds = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - LAG_RESOLUTION_MS / 1000) : 0
  const lag = {
    meanSeconds: seconds(monitor.mean),
    p50Seconds: seconds(monitor.percentile(50)),
    p99Seconds: seconds(monitor.percentile(99)),
    maxSeconds: monitor.count > 0 ? seconds(monitor.max) : 0,
  }
  monitor.reset()
  return lag
}
