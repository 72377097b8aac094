import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printFindings, printFindingsJson } from '../../../../src/preflight/print.js'
import { countByLevel } from '../../../../src/preflight/run-checks.js'
import { type Finding, levels } from '../../../../src/preflight/types.js'
import { causes } from './causes.js'
import { findingsOf } from './fixtures.js'

const finding = (changes: Partial<Finding> = {}): Finding => ({
  code: 'tap-owner',
  level: 'error',
  subject: 'tap ext0',
  needed: 'a tap of ours',
  found: 'owner 0',
  cause: 'it is of root',
  remedy: '"owner": 1001',
  ...changes,
})

describe('findings for people', () => {
  it('tell what is right in a line, and what is not with all it takes, the worst last', () => {
    const right = finding({
      code: 'tun-ok',
      level: 'ok',
      subject: '/dev/net/tun',
      found: 'it can be opened',
      cause: null,
    })
    const note = finding({ code: 'vf-broadcom', level: 'note', cause: null, remedy: null })
    expect(printFindings([finding(), note, right])).toBe(`  ok       tun-ok       /dev/net/tun: it can be opened

  note     vf-broadcom  tap ext0
           needed  a tap of ours
           found   owner 0

  error    tap-owner    tap ext0
           needed  a tap of ours
           found   owner 0
           cause   it is of root
           remedy  "owner": 1001

  1 error, 0 warnings, 1 note, 1 ok: spillway run would refuse to start
`)
  })

  it('fit into 120 columns, whatever the check', () => {
    const lines = causes.flatMap(({ said }) => printFindings(findingsOf(said)).split('\n'))
    expect(lines.filter((line) => line.length > 120)).toEqual([])
  })

  it('lose no word and break none', () => {
    const words = fc.array(fc.stringMatching(/^[!-~]{1,200}$/), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(words, (said) => {
        const printed = printFindings([finding({ remedy: said.join(' ') })])
        const remedy = printed.slice(printed.indexOf('remedy') + 'remedy'.length, printed.lastIndexOf('\n\n'))
        expect(remedy.trim().split(/\s+/)).toEqual(said)
      }),
    )
  })

  it('hold nothing that moves the cursor or turns the text around', () => {
    const hostile = 'ext0\u001b[2J\u0007\r\u202eevil\u009b31m'
    const printed = printFindings([
      finding({ found: hostile, subject: hostile }),
      finding({ level: 'ok', found: hostile }),
    ])
    expect(printed.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(printed).toContain('evil')
  })

  it('say that a run can start when nothing is an error, also when there are none at all', () => {
    expect(printFindings([finding({ level: 'warning' })])).toContain('1 warning, 0 notes, 0 ok: spillway run can start')
    expect(printFindings([])).toBe('\n  0 errors, 0 warnings, 0 notes, 0 ok: spillway run can start\n')
  })
})

describe('findings for programs', () => {
  it('have a version, a count by level and the findings as they are', () => {
    const findings = findingsOf()
    const printed = JSON.parse(printFindingsJson(findings)) as Record<string, unknown>
    expect(printed).toEqual({ version: 1, summary: countByLevel(findings), findings })
    expect(Object.keys(countByLevel([]))).toEqual([...levels])
  })
})
