import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CounterLayout } from '../../../src/ipc/messages.js'
import { CounterBase } from '../../../src/stats/counter-base.js'
import { CounterReader, rangesOf, type SlotSource } from '../../../src/stats/counter-reader.js'
import { seriesKey } from '../../../src/stats/series.js'

/** What native code does with the file: fixed slots at the front, rule slots in two banks that take turns. */
class FakeDataPlane implements SlotSource {
  readonly values = new BigUint64Array(64)
  #generation = 0
  #rules: readonly string[] = []

  read(): BigUint64Array {
    return this.values
  }

  get layout(): CounterLayout {
    const bank = 16 + (this.#generation % 2) * 16
    return {
      generation: this.#generation,
      slots: [
        { name: 'lcore_polls', labels: { port: 'vf0', lcore: '1' }, index: 0, kind: 'counter' },
        { name: 'lcore_polls', labels: { port: 'vf0', lcore: '2' }, index: 1, kind: 'counter' },
        { name: 'link', labels: {}, index: 2, kind: 'gauge' },
        ...this.#rules.map((rule, at) => ({
          name: 'rule_packets',
          labels: { rule },
          index: bank + at,
          kind: 'counter' as const,
        })),
      ],
    }
  }

  swap(rules: readonly string[]): void {
    this.#generation += 1
    this.#rules = rules
    const bank = 16 + (this.#generation % 2) * 16
    this.values.fill(0n, bank, bank + 16)
  }

  count(index: number, packets: bigint): string | undefined {
    const slot = this.layout.slots[index % this.layout.slots.length]
    if (!slot || slot.kind === 'gauge') return undefined
    this.values[slot.index] = (this.values[slot.index] ?? 0n) + packets
    return seriesKey(slot.name, slot.labels)
  }
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('count' as const), slot: fc.nat(20), packets: fc.bigInt(0n, 2n ** 40n) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('swap' as const),
      rules: fc.uniqueArray(fc.constantFrom('arp', 'local', 'bgp', 'noise', 'default'), { maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const) }) },
)

function totals(reader: CounterReader): Map<string, bigint> {
  return new Map(
    reader
      .takeSnapshot()
      .samples.filter(({ kind }) => kind === 'counter')
      .map(({ name, labels, value }) => [seriesKey(name, labels), value]),
  )
}

describe('totals over deaths and rule swaps', () => {
  test('never shrink, never vanish, and are what was counted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const reader = new CounterReader()
        const counted = new Map<string, bigint>()
        let plane = new FakeDataPlane()
        reader.beginLife(plane, plane.layout)
        let before = totals(reader)
        for (const what of steps) {
          if (what.kind === 'count') {
            const key = plane.count(what.slot, what.packets)
            if (key !== undefined) counted.set(key, (counted.get(key) ?? 0n) + what.packets)
          } else if (what.kind === 'swap') {
            plane.swap(what.rules)
            reader.useLayout(plane.layout)
          } else {
            reader.endLife()
            for (const [key, value] of totals(reader)) expect(value).toBe(counted.get(key) ?? 0n)
            plane = new FakeDataPlane()
            reader.beginLife(plane, plane.layout)
          }
          const after = totals(reader)
          for (const [key, value] of before) expect(after.get(key) ?? -1n).toBeGreaterThanOrEqual(value)
          before = after
        }
        for (const [key, value] of counted) expect(before.get(key)).toBe(value)
      }),
      { numRuns: 400 },
    )
  })

  test('stay whole beyond 2^53', () => {
    const reader = new CounterReader()
    const large = 2n ** 63n + 1n
    for (let life = 0; life < 2; life++) {
      const plane = new FakeDataPlane()
      reader.beginLife(plane, plane.layout)
      plane.count(0, large)
      reader.endLife()
    }
    expect([...totals(reader).values()][0]).toBe(2n * large)
  })

  test('of the tap, which the kernel counts on while no worker lives, are not counted twice', () => {
    const reader = new CounterReader()
    const layout: CounterLayout = {
      generation: 1,
      slots: [{ name: 'tap_kernel_tx_dropped', labels: { tap: 'ext0' }, index: 0, kind: 'counter' }],
    }
    const seen: bigint[] = []
    for (const [atStart, atEnd] of [
      [5n, 10n],
      [12n, 20n],
      [1n, 3n],
    ] as const) {
      const values = new BigUint64Array([atStart])
      reader.beginLife({ read: () => values }, layout)
      seen.push(...totals(reader).values())
      values[0] = atEnd
      reader.endLife()
      seen.push(...totals(reader).values())
    }
    expect(seen).toEqual([5n, 10n, 12n, 20n, 21n, 23n])
  })

  test('have no gauges of a worker that is gone', () => {
    const reader = new CounterReader()
    const plane = new FakeDataPlane()
    plane.values[2] = 1n
    reader.beginLife(plane, plane.layout)
    expect(reader.takeSnapshot().samples.find(({ name }) => name === 'link')?.value).toBe(1n)
    reader.endLife()
    expect(reader.takeSnapshot().samples.find(({ name }) => name === 'link')).toBeUndefined()
    expect(reader.readWorker()).toEqual([])
  })
})

describe('what is read of the file', () => {
  const layoutWith = (...indexes: number[]): CounterLayout => ({
    generation: 1,
    slots: indexes.map((index) => ({ name: 'x', labels: { index: String(index) }, index, kind: 'counter' })),
  })

  test('leaves out the empty stretch before the bank of the rules', () => {
    expect(rangesOf(layoutWith(70_001, 0, 5, 70_000))).toEqual([
      { first: 0, end: 6 },
      { first: 70_000, end: 70_002 },
    ])
  })

  test('is nothing for a layout without slots', () => {
    expect(rangesOf(layoutWith())).toEqual([])
  })
})

test('keeps the last 256 rules that went as series, and what older ones counted as one', () => {
  const base = new CounterBase()
  const layoutOf = (rule: string): CounterLayout => ({
    generation: 1,
    slots: [{ name: 'rule_packets', labels: { rule, lcore: '1' }, index: 0, kind: 'counter' }],
  })
  for (let i = 0; i < 1000; i++) {
    base.foldLife(layoutOf(`rule-${i}`), BigUint64Array.of(3n))
    base.forgetGoneRules(layoutOf(`rule-${i}`))
  }
  const samples = base.pastOnly()
  expect(samples.reduce((sum, { value }) => sum + value, 0n)).toBe(3000n)
  expect(samples).toHaveLength(258)
  expect(samples.find(({ labels }) => labels.rule === '(gone)')).toMatchObject({ value: 2229n, labels: { lcore: '1' } })
  expect(samples.filter(({ labels }) => labels.rule === 'rule-743' || labels.rule === 'rule-742')).toMatchObject([
    { labels: { rule: 'rule-743' }, value: 3n },
  ])
})
