import { expect, test } from 'vitest'
import { LineRing } from '../../src/line-ring.js'

test('keeps the last lines, bounded in number', () => {
  const ring = new LineRing({ lines: 2, bytes: 100, lineBytes: 50 })
  for (const line of ['a', 'b', 'c']) ring.push(line)
  expect(ring.lines).toEqual(['b', 'c'])
})

test('keeps the last lines, bounded in size', () => {
  const ring = new LineRing({ lines: 10, bytes: 5, lineBytes: 5 })
  for (const line of ['aa', 'bb', 'cc']) ring.push(line)
  expect(ring.lines).toEqual(['bb', 'cc'])
})

test('counts bytes, not characters', () => {
  const ring = new LineRing({ lines: 10, bytes: 8, lineBytes: 8 })
  for (const line of ['ééé', 'öö', 'a']) ring.push(line)
  expect(ring.lines).toEqual(['öö', 'a'])
})

test('cuts a line that would displace all others, between two characters', () => {
  const ring = new LineRing({ lines: 10, bytes: 100, lineBytes: 8 })
  for (const line of ['first', 'é'.repeat(600 * 1024), '12345678']) ring.push(line)
  expect(ring.lines).toEqual(['first', 'éé…', '12345678'])
})
