import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.js'
import { show } from '../../../src/config/problems.js'
import { formatPath, parsePath } from '../../../src/config/walk.js'
import { SpillwayError } from '../../../src/errors.js'
import { problems } from './fixtures.js'

/** Whether text can only be read: no line break, no escape sequence, nothing that turns the direction of writing. */
const isPlain = (line: string) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(line)

describe('a message', () => {
  it('shows hostile values on one line, short, without control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const line = show(text)
        expect(isPlain(line)).toBe(true)
        expect(line.length).toBeLessThanOrEqual(80)
      }),
    )
  })

  it.each(['"a\\u202eb": 1', '"\\e[2J": 1', '"a\\nb": 1', 'http: { listen: "\\e[2J\\u2028" }'])(
    'is one plain line for %s',
    (text) => {
      for (const line of problems(text)) expect(isPlain(line)).toBe(true)
    },
  )
})

describe('loadConfig', () => {
  it('accepts or refuses any value in any place, and never breaks', () => {
    const place = fc.constantFrom(
      'burst',
      'lcores',
      'memory',
      'memory.mib',
      'ports',
      'ports.0',
      'rules',
      'forwarding',
      'forwarding.ethPeer',
      'forwarding.pairs',
      'exceptionPath.limit',
      'http.listen',
      'log',
    )
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }).map((json) => JSON.stringify(json)),
      fc.string(),
    )
    fc.assert(
      fc.property(place, value, (path, text) => {
        try {
          loadConfig({ flags: [{ flag: '--set', path, text }] })
        } catch (error) {
          expect(error).toBeInstanceOf(SpillwayError)
          expect((error as SpillwayError).code).toBe('ERR_CONFIG')
          for (const line of (error as SpillwayError).message.split('\n')) expect(isPlain(line)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('accepts or refuses any file, and never breaks', () => {
    const lines = fc.constantFrom(
      'ports:',
      '  - name: a',
      '    device: x',
      'rules: [',
      '{ name: a }',
      ']',
      '&a',
      '*a',
      '- - -',
      '? x',
      '<<: *a',
      'burst: 1',
      '\t',
      '%YAML 1.1',
      '---',
      '...',
      '|',
      '"',
    )
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 12 }), (text) => {
        try {
          problems(text.join('\n'))
        } catch (error) {
          expect((error as Error).message).toBe('expected ERR_CONFIG, and the configuration was accepted')
        }
      }),
    )
  })
})

describe('a path', () => {
  it('is read back as it was written', () => {
    const key = fc.oneof(fc.nat(9999), fc.string({ maxLength: 20 }))
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), (path) => {
        expect(parsePath(formatPath(path))).toEqual(path)
      }),
    )
  })

  it.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a[', 'a[x]', 'a["', 'a[0', 'é'])('is not %j', (text) => {
    expect(parsePath(text)).toBeUndefined()
  })
})
