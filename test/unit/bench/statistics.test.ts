import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { median, medianInterval95, percentile } from '../../../src/bench/peers/statistics.js'

describe('medianInterval95', () => {
  test('refuses fewer than 6 rounds: not even the extremes enclose the median with 95 %', () => {
    expect(() => medianInterval95([1, 2, 3, 4, 5])).toThrow(RangeError)
  })

  // Ranks from the binomial distribution, as tables of the sign test give them.
  test.each([
    [6, 1, 6],
    [9, 2, 8],
    [12, 3, 10],
    [20, 6, 15],
  ])('takes of %i values the ranks %i and %i', (n, low, high) => {
    const values = Array.from({ length: n }, (_, i) => i + 1).reverse()
    expect(medianInterval95(values)).toEqual({ low, high })
  })

  test('encloses the median', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 6, maxLength: 60 }),
        (values) => {
          const { low, high } = medianInterval95(values)
          return low <= median(values) && median(values) <= high
        },
      ),
    )
  })
})

describe('median and percentile', () => {
  test('of an even number of values the median is the mean of the middle two', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([3, 1, 2])).toBe(2)
  })

  test('the percentile is a value that was seen', () => {
    const values = Array.from({ length: 100 }, (_, i) => i + 1)
    expect(percentile(values, 0.99)).toBe(99)
    expect(percentile(values, 1)).toBe(100)
    expect(percentile([7], 0.5)).toBe(7)
  })
})
