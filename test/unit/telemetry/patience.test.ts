import { beforeEach, describe, expect, test } from 'vitest'
import { Patience } from '../../../src/telemetry/patience.js'

const slow = '/ethdev/link_status'
let nowMs = 0
let patience: Patience

beforeEach(() => {
  nowMs = 0
  patience = new Patience(() => nowMs)
})

function timeOut(times: number, command = slow): boolean[] {
  return Array.from({ length: times }, () => patience.timedOut(command))
}

describe('a telemetry command', () => {
  test('is left alone after three timeouts in a row, and not before', () => {
    expect(timeOut(2)).toEqual([false, false])
    expect(patience.has(slow)).toBe(false)
    expect(timeOut(1)).toEqual([true])
    expect(patience.has(slow)).toBe(true)
    expect(patience.has('/ethdev/stats')).toBe(false)
  })

  test('is asked again after a minute, and left alone after one more timeout', () => {
    timeOut(3)
    nowMs = 59_999
    expect(patience.has(slow)).toBe(true)
    nowMs = 60_000
    expect(patience.has(slow)).toBe(false)
    expect(timeOut(1)).toEqual([true])
  })

  test('that answered in between starts from nothing', () => {
    timeOut(2)
    patience.answered()
    expect(timeOut(2)).toEqual([false, false])
  })

  test('that is left alone has not answered when the others did', () => {
    timeOut(3)
    patience.answered()
    expect(patience.has(slow)).toBe(true)
    nowMs = 60_000
    patience.answered()
    expect(timeOut(2)).toEqual([false, false])
  })

  test('of another program is another matter', () => {
    timeOut(3)
    patience.forget()
    expect(patience.has(slow)).toBe(false)
  })

  test.each(['/', '/ethdev/list', '/ethdev/info', '/eal/heap_list', '/mempool/list'])(
    'on which the rest hangs is never left alone: %s',
    (command) => {
      expect(timeOut(4, command)).toEqual([false, false, false, false])
      expect(patience.has(command)).toBe(false)
    },
  )
})
