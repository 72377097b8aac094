import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCpuList, parseCpuList } from '../../../src/config/cpu-list.js'

describe('parseCpuList', () => {
  it.each(['', ',', '1,', 'a', '-1', '1-', '5-2', '1--2', '0-4294967295', '9999', '1e3', '0x1', '1-2-3', '1:2', '１'])(
    'refuses %j',
    (text) => {
      expect(parseCpuList(text)).toBeUndefined()
    },
  )

  it('reads what the kernel writes', () => {
    expect(parseCpuList('0-3,8\n')).toEqual([0, 1, 2, 3, 8])
  })

  it('sorts, and takes each CPU once', () => {
    expect(parseCpuList('8,2-3,3,2')).toEqual([2, 3, 8])
  })

  it('reads back every list that formatCpuList writes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(8191), { minLength: 1 }), (ids) => {
        expect(parseCpuList(formatCpuList(ids))).toEqual(ids.sort((a, b) => a - b))
      }),
    )
  })
})

describe('formatCpuList', () => {
  it('joins neighbours', () => {
    expect(formatCpuList([5, 1, 2, 3, 7, 8])).toBe('1-3,5,7-8')
    expect(formatCpuList([])).toBe('')
  })
})
