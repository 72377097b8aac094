import { afterEach, describe, expect, test } from 'vitest'
import { isForeground, onExecSignals } from '../../../src/exec/signals.js'
import { configureLogging } from '../../../src/log.js'

await configureLogging({ level: 'silent', format: 'json' })

let release = (): void => {}
afterEach(() => release())

function takeAll(fromTerminal: boolean, now?: () => number): string[] {
  const taken: string[] = []
  release = onExecSignals(
    {
      stop: (signal) => taken.push(`stop ${signal}`),
      interrupt: () => taken.push('interrupt'),
      forward: (signal) => taken.push(`forward ${signal}`),
    },
    () => fromTerminal,
    now,
  )
  return taken
}

describe('a signal to exec', () => {
  test.each(['SIGTERM', 'SIGHUP'] as const)('%s stops the program, on a terminal as without', (signal) => {
    for (const terminal of [true, false]) {
      const taken = takeAll(terminal)
      process.emit(signal, signal)
      expect(taken).toEqual([`stop ${signal}`])
      release()
    }
  })

  test.each(['SIGINT', 'SIGQUIT'] as const)('%s that was typed is not passed on: the program has it', (signal) => {
    const taken = takeAll(true)
    process.emit(signal, signal)
    expect(taken).toEqual(['interrupt'])
  })

  test.each(['SIGINT', 'SIGQUIT'] as const)('%s that was sent is passed on', (signal) => {
    const taken = takeAll(false)
    process.emit(signal, signal)
    expect(taken).toEqual([`stop ${signal}`])
  })

  test.each(['SIGUSR1', 'SIGUSR2'] as const)('%s is for the program, each time', (signal) => {
    const taken = takeAll(true)
    process.emit(signal, signal)
    process.emit(signal, signal)
    expect(taken).toEqual([`forward ${signal}`, `forward ${signal}`])
  })

  test('that comes twice within half a second is one', () => {
    let nowMs = 0
    const taken = takeAll(false, () => nowMs)
    process.emit('SIGTERM', 'SIGTERM')
    nowMs = 499
    process.emit('SIGTERM', 'SIGTERM')
    nowMs = 500
    process.emit('SIGTERM', 'SIGTERM')
    expect(taken).toEqual(['stop SIGTERM', 'stop SIGTERM'])
  })
})

describe('what is typed at a terminal', () => {
  const stat = (name: string, group: number, terminal: number, front: number): string =>
    `77 (${name}) S 1 ${group} 70 ${terminal} ${front} 4194560 0 0`

  test.each([
    ['reaches the group in front', stat('node', 77, 34816, 77), true],
    ['does not reach one in the background', stat('node', 77, 34816, 80), false],
    ['reaches nobody without a terminal', stat('node', 77, 0, -1), false],
    ['is not mistaken by a name with parentheses', stat(') S 1 2', 77, 34816, 77), true],
  ])('%s', (_what, text, reaches) => {
    expect(isForeground(text)).toBe(reaches)
  })
})
