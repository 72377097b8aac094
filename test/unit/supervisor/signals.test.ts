import { afterEach, expect, test } from 'vitest'
import { configureLogging } from '../../../src/log.js'
import { onStopSignals } from '../../../src/supervisor/signals.js'

await configureLogging({ level: 'silent', format: 'json' })

let release = (): void => {}
afterEach(() => release())

test('a Ctrl-C that comes twice within half a second, from the group and from npm, is one', () => {
  let nowMs = 1000
  let asked = 0
  release = onStopSignals(
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

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s asks to stop', (signal) => {
  let asked = 0
  release = onStopSignals(() => {
    asked += 1
  })
  process.emit(signal, signal)
  expect(asked).toBe(1)
})
