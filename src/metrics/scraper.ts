import {
  Counter,
  Gauge,
  type OpenMetricsContentType,
  openMetricsContentType,
  type PrometheusContentType,
  Registry,
} from 'prom-client'
import type { Finding } from '../preflight/types.js'
import { CollectedHistogram, CollectedUntyped } from './collected.js'
import type { MetricDefinition } from './definition.js'
import { type OwnInput, OwnReader } from './own-input.js'

type AnyRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>
export type MetricsFormat = 'text' | 'openMetrics'

export interface ScraperOptions<Input> {
  readonly definitions: readonly MetricDefinition<Input>[]
  readonly version: string
  /** Of the checks before the start. */
  readonly findings: readonly Finding[]
}

/**
 * Renders /metrics. Two registries, because the content type of a prom-client registry is global to it while
 * rendering waits: with one, concurrent scrapes come out in each other's format. And each has metrics of its own:
 * OpenMetrics rendering takes `_total` off a counter's name for good, and the text would lose it too.
 */
export class Scraper<Input extends OwnInput> {
  readonly #read: (own: OwnInput) => Input
  readonly #own: OwnReader
  readonly #registries: Record<MetricsFormat, AnyRegistry> = {
    text: new Registry(),
    openMetrics: openMetricsRegistry(),
  }
  #lastScrapeSeconds = 0
  #scrapeErrors = 0
  #turn: Promise<unknown> = Promise.resolve()
  #input: Input | undefined

  /** @param read  everything that one scrape shows, at its start */
  constructor({ definitions, version, findings }: ScraperOptions<Input>, read: (own: OwnInput) => Input) {
    this.#read = read
    for (const registry of Object.values(this.#registries))
      for (const definition of definitions) register(definition, registry, () => this.#input)
    this.#own = new OwnReader(version, findings)
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
    this.#own.stop()
  }

  async #render(format: MetricsFormat): Promise<string> {
    const startedMs = performance.now()
    try {
      const scrapes = { lastScrapeSeconds: this.#lastScrapeSeconds, scrapeErrors: this.#scrapeErrors }
      this.#input = this.#read(this.#own.read(scrapes))
      return await this.#registries[format].metrics()
    } catch (error) {
      this.#scrapeErrors += 1
      throw error
    } finally {
      this.#input = undefined
      this.#lastScrapeSeconds = (performance.now() - startedMs) / 1000
    }
  }
}

function openMetricsRegistry(): Registry<OpenMetricsContentType> {
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(openMetricsContentType)
  return registry
}

function register<Input>(
  definition: MetricDefinition<Input>,
  registry: AnyRegistry,
  input: () => Input | undefined,
): void {
  const { name, help, labels } = definition
  if (definition.type === 'histogram') {
    const { source, buckets } = definition
    new CollectedHistogram(
      { name, help, labelNames: [...labels], buckets: [...buckets], registers: [registry] },
      () => {
        const now = input()
        return now ? source.read(now) : []
      },
    )
    return
  }
  const { source, type } = definition
  if (type === 'untyped') {
    const word = registry.contentType === openMetricsContentType ? 'unknown' : 'untyped'
    new CollectedUntyped({ name, help, labelNames: [...labels], registers: [registry] }, word, () => {
      const now = input()
      return now ? source.read(now) : []
    })
    return
  }
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
