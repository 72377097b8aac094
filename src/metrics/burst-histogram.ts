import type { MetricInput } from './input.js'

export interface HistogramValue {
  readonly labels: Readonly<Record<string, string>>
  /** Bursts of at most `size` packets, ascending; cumulative. */
  readonly buckets: readonly (readonly [size: number, count: number])[]
  readonly count: number
  readonly sum: number
}

/** The slots count bursts by size class; Prometheus wants them cumulative. */
export function burstHistograms({ byName, view }: MetricInput): HistogramValue[] {
  const lcores = new Map<string, Map<number, bigint>>()
  for (const { lcoreId } of view.plan.lcores) lcores.set(String(lcoreId), new Map())
  for (const { labels, value } of byName.get('lcore_bursts') ?? []) {
    const { lcore = '', size } = labels
    const sizes = lcores.get(lcore) ?? new Map<number, bigint>()
    sizes.set(Number(size), (sizes.get(Number(size)) ?? 0n) + value)
    lcores.set(lcore, sizes)
  }
  return [...lcores].map(([lcore, sizes]) => {
    let total = 0n
    const buckets = burstSizes.map((size): [number, number] => {
      total += sizes.get(size) ?? 0n
      return [size, Number(total)]
    })
    return { labels: { lcore }, buckets, count: Number(total), sum: Number(packetsOf(byName, lcore)) }
  })
}

export const burstSizes: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256]

function packetsOf(byName: MetricInput['byName'], lcore: string): bigint {
  return (byName.get('rx_packets') ?? []).reduce(
    (sum, { labels, value }) => (labels.lcore === lcore ? sum + value : sum),
    0n,
  )
}
