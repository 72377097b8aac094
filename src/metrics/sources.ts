import { seriesKey } from '../stats/series.js'
import type { MetricInput, Value } from './input.js'

/** Where a metric's values come from: in words for the reference, and as a function. */
export interface Source {
  readonly words: string
  /** What stands there while there is no worker. */
  readonly whileDown: 'kept' | 'gone' | 'zero' | 'live'
  read(input: MetricInput): Iterable<Value>
}

type Labels = Readonly<Record<string, string>>

/** Why a packet can be dropped; each is exported for each port from the start, so that a first drop is a step from 0. */
export const dropReasons = {
  runt: 'shorter than an Ethernet header',
  oversize: 'longer than the MTU of the port it leaves by',
  truncated: 'headers end before they should (VLAN tags, IPv6 extension headers)',
  rule: 'verdict `drop` of a rule, or of the default',
  rule_limit: "the rule's own limit",
  exception_ring_full: 'the ring from the lcore to the exception thread was full',
  exception_limit: 'the total limit of the exception path',
  tap_down: 'the tap is down or gone',
  tap_error: 'the kernel refused the frame',
  tap_full: "the tap's queue or the virtio ring was full",
  tx_full: 'the transmit queue of the port it leaves by was full',
  handover_full: 'the ring to the lcore that owns the queue was full',
  stopping: 'under way when the worker was stopped',
  inject_malformed: 'from the kernel: its offload header contradicts the frame',
  inject_no_mbuf: 'from the kernel: no mbuf was free',
  inject_ring_full: 'from the kernel: the ring to the lcore was full',
  inject_tx_full: 'from the kernel: the transmit queue was full',
  inject_oversize: "from the kernel: longer than the port's MTU",
  inject_stopping: 'from the kernel: under way when the worker was stopped',
} as const

const ports = ({ view }: MetricInput): readonly string[] => view.plan.ports.map(({ name }) => name)

/** Label sets that are there from the start, at zero. */
export const eachPort = (input: MetricInput): Labels[] => ports(input).map((port) => ({ port }))
export const eachPortAndClass = (input: MetricInput): Labels[] =>
  ports(input).flatMap((port) => ['control', 'local', 'other'].map((each) => ({ port, class: each })))
export const eachDrop = (input: MetricInput): Labels[] =>
  ports(input).flatMap((port) => Object.keys(dropReasons).map((reason) => ({ port, reason })))
export const eachLcore = ({ view }: MetricInput): Labels[] =>
  view.plan.lcores.map(({ lcoreId }) => ({ lcore: String(lcoreId) }))

/**
 * A slot of the counter file, summed over the labels that the metric does not have.
 * Counters keep their totals while no worker lives, gauges have no value then.
 */
export function slot(
  name: string,
  labels: readonly string[],
  options: {
    readonly seed?: (input: MetricInput) => Labels[]
    readonly extra?: (own: Labels, input: MetricInput) => Labels
  } = {},
): Source {
  return {
    words: `counter file, \`${name}\``,
    whileDown: 'kept',
    read(input) {
      const sums = new Map<string, { labels: Labels; value: bigint }>()
      for (const seed of options.seed?.(input) ?? []) sums.set(seriesKey('', seed), { labels: seed, value: 0n })
      for (const sample of input.byName.get(name) ?? []) {
        const own = pick(sample.labels, labels)
        const all = options.extra ? { ...own, ...options.extra(own, input) } : own
        const key = seriesKey('', all)
        const sum = sums.get(key)
        if (sum) sum.value += sample.value
        else sums.set(key, { labels: all, value: sample.value })
      }
      return sums.values()
    },
  }
}

/** A gauge of the worker's life, in the metric's unit. */
export function gaugeSlot(name: string, labels: readonly string[], factor = 1): Source {
  const { words, read } = slot(name, labels)
  return {
    words,
    whileDown: 'gone',
    *read(input) {
      for (const { labels, value } of read(input)) yield { labels, value: Number(value) * factor }
    },
  }
}

/** What the supervisor itself knows. A value that is null has no line. */
export function known(
  words: string,
  whileDown: Source['whileDown'],
  read: (input: MetricInput) => Iterable<Value> | number | null,
): Source {
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

function pick(labels: Labels, names: readonly string[]): Labels {
  const picked: Record<string, string> = {}
  for (const name of names) picked[name] = labels[name] ?? ''
  return picked
}
