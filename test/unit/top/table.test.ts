import { describe, expect, test } from 'vitest'
import { statusSchema } from '../../../src/http/status.js'
import { formatBits, formatCount, formatDuration, formatShare } from '../../../src/top/format.js'
import { renderLine, renderTable, renderTotals } from '../../../src/top/table.js'
import { busy, waiting } from './fixtures.js'

const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`

describe('the table', () => {
  test('of a busy instance, one between two workers, a line, and the totals are what the golden file says', async () => {
    const parts = [
      text(renderTable(busy, { width: 120 })),
      text(renderTable(waiting, { width: 120 })),
      text([renderLine(busy)]),
      text(renderTotals(busy)),
    ]
    await expect(parts.join('\n---\n\n')).toMatchFileSnapshot('../../golden/top.txt')
  })

  test('is cut at the width of the terminal', () => {
    for (const line of renderTable(busy, { width: 40 })) expect(line.length).toBeLessThanOrEqual(40)
  })

  test('is made of a status as it travels', () => {
    expect(statusSchema.parse(JSON.parse(JSON.stringify(busy)))).toEqual(busy)
  })
})

describe('numbers for people', () => {
  test.each([
    [0, '0'],
    [0.44, '0.4'],
    [9.96, '10'],
    [999.4, '999'],
    [999.6, '1.00k'],
    [1234, '1.23k'],
    [99_960, '100k'],
    [999_600, '1.00M'],
    [1e18, '1.00E'],
    [1e22, '10000E'],
  ])('%s is %s', (value, expected) => {
    expect(formatCount(value)).toBe(expected)
  })

  test.each([
    [formatBits(9.87e9), '9.87Gbit'],
    [formatShare(0.4567), '46%'],
    [formatDuration(59.9), '59s'],
    [formatDuration(61), '1m01s'],
    [formatDuration(3725), '1h02m'],
    [formatDuration(90_000), '1d01h'],
  ])('%s', (seen, expected) => {
    expect(seen).toBe(expected)
  })
})
