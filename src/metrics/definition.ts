import type { HistogramValue } from './histograms.js'
import type { Value } from './input.js'

/** Where a metric's values come from: in words for the reference, and as a function of what a scrape is made of. */
export interface Source<Input> {
  readonly words: string
  /** What stands there while there is no worker, or no program. */
  readonly whileDown: 'kept' | 'gone' | 'zero' | 'live'
  read(input: Input): Iterable<Value>
}

interface Described {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

/** One row per metric: what is exported, and docs/metrics.md, come from here. `untyped`: nobody says what it is. */
export type MetricDefinition<Input> = Described &
  (
    | { readonly type: 'counter' | 'gauge' | 'untyped'; readonly source: Source<Input> }
    | {
        readonly type: 'histogram'
        readonly buckets: readonly number[]
        readonly source: Omit<Source<Input>, 'read'> & { read(input: Input): HistogramValue[] }
      }
  )

export interface MetricSection<Input> {
  readonly title: string
  readonly metrics: readonly MetricDefinition<Input>[]
}

export function counter<Input>(
  name: string,
  labels: readonly string[],
  help: string,
  source: Source<Input>,
): MetricDefinition<Input> {
  return { name: `spillway_${name}_total`, help, type: 'counter', labels, source }
}

export function gauge<Input>(
  name: string,
  labels: readonly string[],
  help: string,
  source: Source<Input>,
): MetricDefinition<Input> {
  return { name: `spillway_${name}`, help, type: 'gauge', labels, source }
}

/** What is known as it is. A value that is null has no line. */
export function known<Input>(
  words: string,
  whileDown: Source<Input>['whileDown'],
  read: (input: Input) => Iterable<Value> | number | null,
): Source<Input> {
  return {
    words,
    whileDown,
    read(input) {
      const value = read(input)
      if (value === null) return []
      return typeof value === 'number' ? [{ labels: {}, value }] : value
    },
  }
}

/** 1 for the current one, 0 for the others. */
export function indicator(label: string, all: readonly string[], current: string): Value[] {
  return all.map((each) => ({ labels: { [label]: each }, value: each === current ? 1 : 0 }))
}

/** Ethdevs on PCI carry their address as name. */
export function pciAddressOf(ethdev: string): string {
  return /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d/i.test(ethdev) ? ethdev : ''
}
