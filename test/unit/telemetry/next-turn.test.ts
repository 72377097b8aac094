import { expect, test } from 'vitest'
import { nextTurnMs } from '../../../src/telemetry/poller.js'

test('a program that is connected is asked at the interval', () => {
  expect(nextTurnMs(true, 0, 1000)).toBe(1000)
})

test('a socket is looked for more often', () => {
  expect(nextTurnMs(false, 0, 1000)).toBe(200)
})

test('a relay that dies at once is started ever more seldom, and every half minute at last', () => {
  expect([1, 2, 3, 8, 100].map((deaths) => nextTurnMs(false, deaths, 1000))).toEqual([400, 800, 1600, 30_000, 30_000])
})
