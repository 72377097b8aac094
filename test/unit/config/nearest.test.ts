import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editDistance, nearest } from '../../../src/config/nearest.js'

const word = fc.string({ maxLength: 12 })

describe('nearest', () => {
  it('is nothing when nothing is near', () => {
    expect(nearest('timeout', ['stallMs', 'listen'])).toBeUndefined()
    expect(nearest('x'.repeat(1_000_000), ['listen'])).toBeUndefined()
  })

  it('is the one with the fewest slips', () => {
    expect(nearest('lisen', ['limit', 'listen', 'level'])).toBe('listen')
    expect(nearest('PAGESIZE', ['pageSize'])).toBe('pageSize')
  })
})

describe('editDistance', () => {
  it('counts a swap as one slip', () => expect(editDistance('brust', 'burst')).toBe(1))

  it('is 0 for the same word only, the same in both directions, and at most the longer length', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b) === 0).toBe(a === b)
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      }),
    )
  })
})
