import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import {
  Counter,
  Gauge,
  Histogram,
  type OpenMetricsContentType,
  openMetricsContentType,
  type PrometheusContentType,
  Registry,
} from 'prom-client'
import { groupByName, type Snapshot } from '../stats/series.js'
import type { SupervisorView } from '../supervisor/supervisor.js'
import { burstSizes, type HistogramValue } from './burst-histogram.js'
import { type MetricDefinition, metricDefinitions } from './definitions.js'
import type { EventLoopLag, MetricInput } from './input.js'
import { readMaxFds, readProcessStats } from './process-stats.js'

type AnyRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>
export type MetricsFormat = 'text' | 'openMetrics'

/** What a scrape is made of. */
export interface MetricsSource {
  readonly view: SupervisorView
  takeSnapshot(): Snapshot
  verdictOf(rule: string): string
}

/** Twice as long as a scheduler's tick: the monitor itself must not keep a housekeeping CPU awake. */
const LAG_RESOLUTION_MS = 50

/**
 * Renders /metrics. Two registries, because the content type of a prom-client registry is global to it while
 * rendering waits: with one, concurrent scrapes come out in each other's format. And each has metrics of its own:
 * OpenMetrics rendering takes `_total` off a counter's name for good, and the text would lose it too.
 */
export class MetricsExporter {
  readonly #source: MetricsSource
  readonly #version: string
  readonly #registries: Record<MetricsFormat, AnyRegistry> = {
    text: new Registry(),
    openMetrics: openMetricsRegistry(),
  }
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  readonly #maxFds = readMaxFds()
  readonly #startSeconds = Date.now() / 1000 - process.uptime()
  #lastScrapeSeconds = 0
  #scrapeErrors = 0
  #turn: Promise<unknown> = Promise.resolve()
  #input: MetricInput | undefined

  constructor(source: MetricsSource, version: string) {
    this.#source = source
    this.#version = version
    for (const registry of Object.values(this.#registries))
      for (const definition of metricDefinitions) register(definition, registry, () => this.#input)
    this.#lag.enable()
  }

  contentType(format: MetricsFormat): string {
    return this.#registries[format].contentType
  }

  /** One scrape after the other: each shows one moment. */
  render(format: MetricsFormat): Promise<string> {
    const rendered = this.#turn.then(() => this.#render(format))
    this.#turn = rendered.catch(() => {})
    return rendered
  }

  stop(): void {
    this.#lag.disable()
  }

  async #render(format: MetricsFormat): Promise<string> {
    const startedMs = performance.now()
    try {
      this.#input = this.#readInput()
      return await this.#registries[format].metrics()
    } catch (error) {
      this.#scrapeErrors += 1
      throw error
    } finally {
      this.#input = undefined
      this.#lastScrapeSeconds = (performance.now() - startedMs) / 1000
    }
  }

  #readInput(): MetricInput {
    const { view } = this.#source
    const snapshot = this.#source.takeSnapshot()
    return {
      view,
      snapshot,
      byName: groupByName(snapshot.samples),
      verdictOf: (rule) => this.#source.verdictOf(rule),
      build: { version: this.#version, nodeVersion: process.version },
      supervisor: readProcessStats('self'),
      supervisorLag: this.#readLag(),
      supervisorHeapUsedBytes: getHeapStatistics().used_heap_size,
      supervisorStartSeconds: this.#startSeconds,
      maxFds: this.#maxFds,
      worker: view.worker ? readProcessStats(view.worker.pid) : null,
      lastScrapeSeconds: this.#lastScrapeSeconds,
      scrapeErrors: this.#scrapeErrors,
    }
  }

  /** The monitor measures how long its own timer took: what is more than the timer's time is lag. */
  #readLag(): EventLoopLag {
    const seconds = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - LAG_RESOLUTION_MS / 1000) : 0
    const lag = {
      meanSeconds: seconds(this.#lag.mean),
      p50Seconds: seconds(this.#lag.percentile(50)),
      p99Seconds: seconds(this.#lag.percentile(99)),
      maxSeconds: this.#lag.count > 0 ? seconds(this.#lag.max) : 0,
    }
    this.#lag.reset()
    return lag
  }
}

function openMetricsRegistry(): Registry<OpenMetricsContentType> {
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(openMetricsContentType)
  return registry
}

function register(definition: MetricDefinition, registry: AnyRegistry, input: () => MetricInput | undefined): void {
  const { name, help, labels } = definition
  if (definition.type === 'histogram') {
    const { source } = definition
    new CollectedHistogram(
      { name, help, labelNames: [...labels], buckets: [...burstSizes], registers: [registry] },
      () => {
        const now = input()
        return now ? source.read(now) : []
      },
    )
    return
  }
  const { source, type } = definition
  const configuration = { name, help, labelNames: [...labels], registers: [registry] }
  if (type === 'counter') {
    new Counter({
      ...configuration,
      collect() {
        clear(this, labels)
        const now = input()
        if (now) for (const { labels, value } of source.read(now)) this.inc({ ...labels }, Number(value))
      },
    })
  } else {
    new Gauge({
      ...configuration,
      collect() {
        clear(this, labels)
        const now = input()
        if (now) for (const { labels, value } of source.read(now)) this.set({ ...labels }, Number(value))
      },
    })
  }
}

/** prom-client puts a metric without labels back to 0, where we may have nothing to say about it. */
function clear(metric: Counter | Gauge, labels: readonly string[]): void {
  metric.reset()
  if (labels.length === 0) metric.remove({})
}

/** A histogram whose buckets were counted elsewhere. prom-client's own can only observe. */
class CollectedHistogram extends Histogram<string> {
  readonly #about: { readonly name: string; readonly help: string }
  readonly #collect: () => HistogramValue[]

  constructor(configuration: ConstructorParameters<typeof Histogram<string>>[0], collect: () => HistogramValue[]) {
    super(configuration)
    this.#about = { name: configuration.name, help: configuration.help }
    this.#collect = collect
  }

  /** What prom-client's registry asks for when a metric has it: sums, counts and cumulative buckets, ready to print. */
  getForPromString(): Promise<{ name: string; help: string; type: string; values: object[] }> {
    const { name, help } = this.#about
    const values = this.#collect().flatMap(({ labels, buckets, count, sum }) => [
      ...buckets.map(([le, value]) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value })),
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ])
    return Promise.resolve({ name, help, type: 'histogram', values })
  }
}
