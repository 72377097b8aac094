import { describe, expect, it } from 'vitest'
import { errorTable, exitCodeOf, formatError, isErrorCode, SpillwayError } from '../../src/errors.js'

describe('an error', () => {
  it('is printed with code, each problem on its line, and the hint', () => {
    const error = new SpillwayError('ERR_HUGEPAGES', 'need 4\nfound 2', { hint: 'raise the limit' })
    expect(formatError(error)).toBe(
      'spillway: ERR_HUGEPAGES: need 4\nspillway: ERR_HUGEPAGES: found 2\n  hint: raise the limit\n',
    )
    expect(exitCodeOf(error)).toBe(69)
  })

  it('keeps its cause', () => {
    const cause = new Error('ENOENT')
    expect(new SpillwayError('ERR_TUN', 'x', { cause }).cause).toBe(cause)
    expect(new SpillwayError('ERR_TUN', 'x')).not.toHaveProperty('cause')
  })

  it('that is not ours is a bug and keeps its stack', () => {
    expect(formatError(new TypeError('x'))).toMatch(/^spillway: ERR_INTERNAL: TypeError: x\n {4}at /)
    expect(formatError('thrown text')).toBe('spillway: ERR_INTERNAL: thrown text\n')
    expect(exitCodeOf(new TypeError('x'))).toBe(70)
  })
})

describe('the table of errors', () => {
  it('has exit codes of sysexits.h only', () => {
    expect(new Set(Object.values(errorTable).map(({ exitCode }) => exitCode))).toEqual(new Set([64, 69, 70, 75, 78]))
  })

  it('knows its codes, and no method of objects', () => {
    expect(isErrorCode('ERR_EAL')).toBe(true)
    expect(isErrorCode('ERR_X')).toBe(false)
    expect(isErrorCode('constructor')).toBe(false)
  })
})
