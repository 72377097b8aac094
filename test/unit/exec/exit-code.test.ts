import { expect, test } from 'vitest'
import { causeOf } from '../../../src/exec/causes.js'
import { exitCodeOfProgram } from '../../../src/exec/exit-code.js'

test.each([
  ['its own code', { exitCode: 0, signal: null }, null, 0],
  ['its own code after a stop', { exitCode: 7, signal: null }, 'SIGTERM', 7],
  ['0 when the signal that was passed on ended it', { exitCode: null, signal: 'SIGTERM' }, 'SIGTERM', 0],
  ['137 when it had to be killed', { exitCode: null, signal: 'SIGKILL' }, 'SIGTERM', 137],
  ['139 when it crashed on its way out', { exitCode: null, signal: 'SIGSEGV' }, 'SIGTERM', 139],
] as const)('a program ends exec with %s', (_what, end, asked, code) => {
  expect(exitCodeOfProgram(end, asked)).toBe(code)
})

test.each([
  ['exited', { exitCode: 1, signal: null }],
  ['killed', { exitCode: null, signal: 'SIGKILL' }],
  ['crashed', { exitCode: null, signal: 'SIGSEGV' }],
] as const)('the cause of a restart is %s', (cause, end) => {
  expect(causeOf(end)).toBe(cause)
})
