import type { MetricInput, Value } from './input.js'
import { eachPortAndClass } from './sources.js'

export interface HistogramValue {
  readonly labels: Value['labels']
  /** What is at most `bound`, ascending; cumulative. What is above the last one is in `count` alone. */
  readonly buckets: readonly (readonly [bound: number, count: number])[]
  readonly count: number
  readonly sum: number
}

/** Upper bounds of the buckets: native/dataplane/counters.h has the slots. */
export const burstSizes: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256]
export const frameSizes: readonly number[] = [64, 127, 255, 511, 1023, 1522]
/** From a microsecond to half a second, doubling. */
const latencyMicroseconds: readonly number[] = Array.from({ length: 20 }, (_, power) => 2 ** power)
export const latencySeconds: readonly number[] = latencyMicroseconds.map((microseconds) => microseconds / 1e6)

interface Shape {
  /** The slots that count what falls into each size class, by a label `size`; and the one with the sum. */
  readonly slots: string
  readonly sum: string
  readonly bounds: readonly number[]
}

/** The slots with these labels count by size class; Prometheus wants them cumulative. */
function histogram({ byName }: MetricInput, own: Value['labels'], { slots, sum, bounds }: Shape): HistogramValue {
  const labels = Object.entries(own)
  const samplesOf = (name: string) =>
    (byName.get(name) ?? []).filter((sample) => labels.every(([label, value]) => sample.labels[label] === value))
  const total = (name: string, size?: number): number =>
    Number(
      samplesOf(name).reduce(
        (all, { labels: { size: each }, value }) => (size === undefined || each === String(size) ? all + value : all),
        0n,
      ),
    )
  let cumulative = 0
  const buckets = bounds.map((bound): [number, number] => {
    cumulative += total(slots, bound)
    return [bound, cumulative]
  })
  return { labels: own, buckets, count: total(slots), sum: total(sum) }
}

/** Packets a burst, by lcore. */
export function burstHistograms(input: MetricInput): HistogramValue[] {
  const shape = { slots: 'lcore_bursts', sum: 'rx_packets', bounds: burstSizes }
  return input.view.plan.lcores.map(({ lcoreId }) => histogram(input, { lcore: String(lcoreId) }, shape))
}

/** Frame lengths on the exception path, by port: of those punted, or of those that the kernel sent. */
export function frameHistograms(slots: 'punted_sizes' | 'tap_rx_sizes', sum: string) {
  const shape = { slots, sum, bounds: frameSizes }
  return (input: MetricInput): HistogramValue[] =>
    input.view.plan.ports.map(({ name }) => histogram(input, { port: name }, shape))
}

/** Time that sampled packets spent in Spillway on their way to the kernel, by port and class. */
export function latencyHistograms(input: MetricInput): HistogramValue[] {
  const shape = { slots: 'punt_latency', sum: 'punt_latency_ns', bounds: latencyMicroseconds }
  return eachPortAndClass(input).map((own) => {
    const { labels, buckets, count, sum } = histogram(input, own, shape)
    return { labels, buckets: buckets.map(([bound, n]) => [bound / 1e6, n] as const), count, sum: sum / 1e9 }
  })
}
