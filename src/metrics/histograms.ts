import type { MetricInput, Value } from './input.js'

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

interface Shape {
  /** The slots that count what falls into each size class, by a label `size`; and the one with the sum. */
  readonly slots: string
  readonly sum: string
  readonly label: string
  readonly bounds: readonly number[]
}

/** The slots count by size class; Prometheus wants them cumulative. */
function histogram({ byName }: MetricInput, own: string, { slots, sum, label, bounds }: Shape): HistogramValue {
  const samplesOf = (name: string) => (byName.get(name) ?? []).filter(({ labels }) => labels[label] === own)
  const total = (name: string, size?: number): number =>
    Number(
      samplesOf(name).reduce(
        (all, { labels, value }) => (size === undefined || labels.size === String(size) ? all + value : all),
        0n,
      ),
    )
  let cumulative = 0
  const buckets = bounds.map((bound): [number, number] => {
    cumulative += total(slots, bound)
    return [bound, cumulative]
  })
  return { labels: { [label]: own }, buckets, count: total(slots), sum: total(sum) }
}

/** Packets a burst, by lcore. */
export function burstHistograms(input: MetricInput): HistogramValue[] {
  const shape = { slots: 'lcore_bursts', sum: 'rx_packets', label: 'lcore', bounds: burstSizes }
  return input.view.plan.lcores.map(({ lcoreId }) => histogram(input, String(lcoreId), shape))
}

/** Frame lengths on the exception path, by port: of those punted, or of those that the kernel sent. */
export function frameHistograms(slots: 'punted_sizes' | 'tap_rx_sizes', sum: string) {
  const shape = { slots, sum, label: 'port', bounds: frameSizes }
  return (input: MetricInput): HistogramValue[] =>
    input.view.plan.ports.map(({ name }) => histogram(input, name, shape))
}
