export type Labels = Readonly<Record<string, string>>

/** One counter or gauge of the data plane at one moment. */
export interface Sample {
  readonly name: string
  readonly labels: Labels
  readonly kind: 'counter' | 'gauge'
  readonly value: bigint
}

/** What the data plane had counted at one moment, dead workers and replaced rule lists included. */
export interface Snapshot {
  /** Monotonic clock in milliseconds, for rates. */
  readonly atMs: number
  /** Whether a worker's counter file was read; without one there are totals but no gauges. */
  readonly live: boolean
  readonly samples: readonly Sample[]
}

/** Identifies a series: same name and labels, whatever the labels' order, same key. */
export function seriesKey(name: string, labels: Labels): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((key) => `${key}\u0001${labels[key]}`)
  return [name, ...pairs].join('\u0000')
}

const keys = new WeakMap<object, string>()

/** `seriesKey` of a layout's slot, computed once: a layout lives for thousands of snapshots. */
export function slotKey(slot: { readonly name: string; readonly labels: Labels }): string {
  const known = keys.get(slot)
  if (known !== undefined) return known
  const key = seriesKey(slot.name, slot.labels)
  keys.set(slot, key)
  return key
}

/** Samples by slot name, in their order. */
export function groupByName(samples: readonly Sample[]): Map<string, Sample[]> {
  const groups = new Map<string, Sample[]>()
  for (const sample of samples) {
    const group = groups.get(sample.name)
    if (group) group.push(sample)
    else groups.set(sample.name, [sample])
  }
  return groups
}
