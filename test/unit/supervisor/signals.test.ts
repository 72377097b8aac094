import { afterEach, expect, test } from 'vitest'
import { configureLogging } from '../../../src/log.js'
import { onStopSignals, signalsOf } from '../../../src/supervisor/signals.js'

await configureLogging({ level: 'silent', format: 'json' })

let release = (): void => {}
afterEach(() => release())

test('a Ctrl-C that comes twice within half a second, from the group and from npm, is one', () => {
  let nowMs = 1000
  let asked = 0
  release = onStopSignals(
    ['SIGINT'],
    () => {
      asked += 1
    },
    () => nowMs,
  )
  process.emit('SIGINT', 'SIGINT')
  nowMs += 499
  process.emit('SIGINT', 'SIGINT')
  expect(asked).toBe(1)
  nowMs += 1
  process.emit('SIGINT', 'SIGINT')
  expect(asked).toBe(2)
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s asks a program on a terminal to stop', (signal) => {
  let asked = 0
  release = onStopSignals(signalsOf(true).stop, () => {
    asked += 1
  })
  process.emit(signal, signal)
  expect(asked).toBe(1)
})

test('SIGHUP asks a service to read its configuration again, and nothing else', () => {
  expect(signalsOf(false)).toEqual({ stop: ['SIGTERM', 'SIGINT'], reload: ['SIGHUP'] })
})
