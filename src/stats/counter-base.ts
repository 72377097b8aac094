import type { CounterLayout, CounterSlot } from '../ipc/messages.js'
import { goneRule, mostGoneRules } from './gone-rules.js'
import { type Sample, slotKey } from './series.js'

interface Total {
  readonly slot: CounterSlot
  value: bigint
  /** What the slot showed last, for counters that start where they were and not at zero. */
  last: bigint
}

/** Counted by the kernel as long as the tap lives, so also while no worker does: a new worker shows them as they are. */
const outlivesWorker = (name: string): boolean => name.startsWith('tap_kernel_')

/**
 * Keeps totals monotonic although counters restart at zero with every worker and rule counters move to new
 * slots with every rule list: what a slot counted is folded in once, at the moment the slot goes away.
 * Gauges have no past and are never folded.
 */
export class CounterBase {
  readonly #totals = new Map<string, Total>()

  /** A worker is dead and reaped: `values` of its file are final. */
  foldLife(layout: CounterLayout, values: BigUint64Array): void {
    for (const slot of layout.slots) this.#fold(slot, values)
  }

  /** What nobody's slot counts. */
  add({ name, labels, value }: Sample): void {
    const slot: CounterSlot = { name, labels, kind: 'counter', index: 0 }
    const key = slotKey(slot)
    const total = this.#totals.get(key) ?? { slot, value: 0n, last: 0n }
    total.value += value
    this.#totals.set(key, total)
  }

  /** A new layout took the place of `before` in the same file: folds the slots that are gone or have moved. */
  foldGeneration(before: CounterLayout, after: CounterLayout, values: BigUint64Array): void {
    const stays = new Map(after.slots.map((slot) => [slotKey(slot), slot.index]))
    for (const slot of before.slots) {
      if (stays.get(slotKey(slot)) !== slot.index) this.#fold(slot, values)
    }
  }

  /**
   * Whoever changes rules by the hour with new names each time would otherwise have a series for each name that ever
   * was: of the rules that `layout` does not have the oldest are added up as one.
   */
  forgetGoneRules(layout: CounterLayout): void {
    const inForce = new Set(layout.slots.flatMap(({ labels: { rule } }) => rule ?? []))
    const gone = new Set<string>()
    for (const { slot } of this.#totals.values()) {
      const { rule } = slot.labels
      if (rule !== undefined && rule !== goneRule && !inForce.has(rule)) gone.add(rule)
    }
    const forgotten = new Set([...gone].slice(0, Math.max(0, gone.size - mostGoneRules)))
    for (const [key, { slot, value }] of forgotten.size === 0 ? [] : this.#totals) {
      if (!forgotten.has(slot.labels.rule ?? '')) continue
      this.add({ ...slot, labels: { ...slot.labels, rule: goneRule }, value })
      this.#totals.delete(key)
    }
  }

  /** Every series of `layout` with its total, then those that only the past knows. */
  withLive(layout: CounterLayout, values: BigUint64Array): Sample[] {
    const samples: Sample[] = []
    const seen = new Set<string>()
    for (const slot of layout.slots) {
      const key = slotKey(slot)
      const total = seen.has(key) ? undefined : this.#totals.get(key)
      seen.add(key)
      samples.push(sample(slot, (total?.value ?? 0n) + stepOf(slot, values, total)))
    }
    for (const [key, { slot, value }] of this.#totals) if (!seen.has(key)) samples.push(sample(slot, value))
    return samples
  }

  /** Totals while there is no worker. */
  pastOnly(): Sample[] {
    return [...this.#totals.values()].map(({ slot, value }) => sample(slot, value))
  }

  #fold(slot: CounterSlot, values: BigUint64Array): void {
    if (slot.kind !== 'counter') return
    const key = slotKey(slot)
    const total = this.#totals.get(key) ?? { slot, value: 0n, last: 0n }
    total.value += stepOf(slot, values, total)
    total.last = values[slot.index] ?? 0n
    this.#totals.set(key, total)
  }
}

/** What the slot counted that is not in the total. A tap that shows less than before is a new one. */
function stepOf({ name, index }: CounterSlot, values: BigUint64Array, total: Total | undefined): bigint {
  const value = values[index] ?? 0n
  return total && outlivesWorker(name) && value >= total.last ? value - total.last : value
}

function sample({ name, labels, kind }: CounterSlot, value: bigint): Sample {
  return { name, labels, kind, value }
}
