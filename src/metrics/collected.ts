import { Gauge, Histogram } from 'prom-client'
import type { HistogramValue } from './histograms.js'
import type { Value } from './input.js'

/** A histogram whose buckets were counted elsewhere. prom-client's own can only observe. */
export class CollectedHistogram extends Histogram<string> {
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

/**
 * Values of which nobody says whether they are counters: `untyped` in the text format, `unknown` in OpenMetrics.
 * prom-client has no such type.
 */
export class CollectedUntyped extends Gauge<string> {
  readonly #about: { readonly name: string; readonly help: string; readonly type: string }
  readonly #collect: () => Iterable<Value>

  constructor(
    configuration: ConstructorParameters<typeof Gauge<string>>[0],
    type: 'untyped' | 'unknown',
    collect: () => Iterable<Value>,
  ) {
    super(configuration)
    this.#about = { name: configuration.name, help: configuration.help, type }
    this.#collect = collect
  }

  getForPromString(): Promise<{ name: string; help: string; type: string; values: object[] }> {
    const values = [...this.#collect()].map(({ labels, value }) => ({ labels, value: Number(value) }))
    return Promise.resolve({ ...this.#about, values })
  }
}
