import { afterEach, expect, test } from 'vitest'
import { configureLogging } from '../../../src/log.js'
import { HangUps, onStopSignals, signalsOf } from '../../../src/supervisor/signals.js'
import { waitFor } from './fixtures.js'

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

test('hang-ups that come while one is answered are answered once more, and those before anybody can are not lost', async () => {
  const hangUps = new HangUps(['SIGUSR2'])
  try {
    process.emit('SIGUSR2', 'SIGUSR2')
    process.emit('SIGUSR2', 'SIGUSR2')
    const answers: (() => void)[] = []
    hangUps.answerWith(() => new Promise((resolve) => answers.push(resolve)))
    expect(answers).toHaveLength(1)
    process.emit('SIGUSR2', 'SIGUSR2')
    process.emit('SIGUSR2', 'SIGUSR2')
    expect(answers).toHaveLength(1)
    answers[0]?.()
    await waitFor(() => answers.length === 2, 'the second answer')
    answers[1]?.()
    process.emit('SIGUSR2', 'SIGUSR2')
    await waitFor(() => answers.length === 3, 'an answer to the one that came late')
    answers[2]?.()
  } finally {
    process.removeAllListeners('SIGUSR2')
  }
})
