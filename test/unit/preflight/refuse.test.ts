import { describe, expect, test } from 'vitest'
import { formatError, SpillwayError } from '../../../src/errors.js'
import { refuseOnErrors } from '../../../src/preflight/refuse.js'
import type { Finding, Level } from '../../../src/preflight/types.js'
import { refusal } from '../plan/fixtures.js'

function finding(code: string, level: Level, remedy: string | null = `mend ${code}`): Finding {
  return { code, level, subject: 'tap ext0', needed: 'two queues', found: 'one', cause: null, remedy }
}

describe('a start', () => {
  test('goes on after warnings, notes and what is in order', () => {
    refuseOnErrors({ problems: [], findings: [finding('a', 'ok'), finding('b', 'note'), finding('c', 'warning')] })
  })

  test('ends on errors with a line for each, and every remedy once', () => {
    const findings = [finding('a', 'error', 'do this'), finding('b', 'error', 'do this'), finding('c', 'warning')]
    const error = refusal(() => refuseOnErrors({ problems: [], findings }))
    expect([error.code, error.exitCode]).toEqual(['ERR_PREFLIGHT', 69])
    expect(formatError(error)).toBe(
      'spillway: ERR_PREFLIGHT: a: tap ext0: need two queues, found one\n' +
        'spillway: ERR_PREFLIGHT: b: tap ext0: need two queues, found one\n' +
        '  hint: do this; `spillway doctor` tells more, --force goes on all the same\n',
    )
  })

  test.each([
    [['tap-in-use'], 'ERR_TAP_BUSY', 75],
    [['http-in-use'], 'ERR_HTTP_IN_USE', 69],
    [['tap-in-use', 'tap-in-use'], 'ERR_TAP_BUSY', 75],
    [['tap-in-use', 'http-in-use'], 'ERR_PREFLIGHT', 69],
    [['tap-in-use', 'tap-owner'], 'ERR_PREFLIGHT', 69],
  ])('that %s keeps from working ends with %s', (codes, code, exitCode) => {
    const findings = codes.map((each) => finding(each, 'error'))
    expect(refusal(() => refuseOnErrors({ problems: [], findings }))).toMatchObject({ code, exitCode })
  })

  test('that the plan cannot make ends with the error of the plan', () => {
    const problem = new SpillwayError('ERR_TAP_OWNER', 'need tap ext0 to be ours')
    const error = refusal(() => refuseOnErrors({ problems: [problem], findings: [finding('tap-owner', 'error')] }))
    expect(error).toBe(problem)
  })
})
