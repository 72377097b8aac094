import { expect, test } from 'vitest'
import { LineRing } from '../../src/line-ring.js'

test('keeps the last lines, bounded in number', () => {
  const ring = new LineRing({ lines: 2, bytes: 100 })
  for (const line of ['a', 'b', 'c']) ring.push(line)
  expect(ring.lines).toEqual(['b', 'c'])
})

test('keeps the last lines, bounded in size, and none that is larger', () => {
  const ring = new LineRing({ lines: 10, bytes: 5 })
  for (const line of ['aa', 'bb', 'cc']) ring.push(line)
  expect(ring.lines).toEqual(['bb', 'cc'])
  ring.push('larger')
  expect(ring.lines).toEqual([])
})
