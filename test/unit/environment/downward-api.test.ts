import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDownwardMap } from '../../../src/environment/downward-api.js'

/** Quotes as Go's strconv.Quote does: printable characters stay, others get the escape that fits. */
function goQuote(text: string): string {
  const named: Record<string, string> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\b': '\\b', '"': '\\"', '\\': '\\\\' }
  const quoted = [...text].map((character) => {
    const code = character.codePointAt(0) ?? 0
    if (named[character] !== undefined) return named[character]
    if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`
    if (code === 0x2028 || code === 0xfeff) return `\\u${code.toString(16).padStart(4, '0')}`
    if (code === 0xe0001) return `\\U${code.toString(16).padStart(8, '0')}`
    return character
  })
  return `"${quoted.join('')}"`
}

const valuesOf = (text: string) => Object.fromEntries(readDownwardMap(text).values)

describe('readDownwardMap', () => {
  it('keeps `=`, quotes and line feeds of a value', () => {
    const text = 'a="x=y"\nk8s.v1.cni.cncf.io/networks="[\\n  {\\"name\\": \\"n\\"}\\n]"\n'
    expect(valuesOf(text)).toEqual({ a: 'x=y', 'k8s.v1.cni.cncf.io/networks': '[\n  {"name": "n"}\n]' })
  })

  it('reads every escape that Go writes', () => {
    expect(valuesOf('a="\\a\\b\\f\\v\\x41\\u00e9\\U0001f600\\\\n"\n')).toEqual({ a: '\u0007\b\f\vAé😀\\n' })
  })

  it('reads back whatever the kubelet writes', () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 200 })
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), (values) => {
        const text = values.map((each, index) => `example.com/k${index}=${goQuote(each)}\n`).join('')
        expect([...readDownwardMap(text).values.values()]).toEqual(values)
        expect(readDownwardMap(text).problems).toEqual([])
      }),
    )
  })

  it.each([
    ['no quotes', 'a=b\n'],
    ['an open quote', 'a="b\n'],
    ['a bare quote inside', 'a="b"c"\n'],
    ['an escape that Go does not write', 'a="\\q"\n'],
    ['a code point that does not exist', 'a="\\U00110000"\n'],
    ['no key', '="b"\n'],
  ])('tells the line with %s and goes on', (_, line) => {
    const { values, problems } = readDownwardMap(`first="1"\n${line}last="2"\n`)
    expect([...values.keys()]).toEqual(['first', 'last'])
    expect(problems).toEqual(['line 2: expected key="value"'])
  })

  it('does not tell more than a few problems', () => {
    expect(readDownwardMap('x\n'.repeat(1000)).problems).toHaveLength(8)
  })

  it('does not read a file without end', () => {
    const { values, problems } = readDownwardMap(`a="1"\n${'b'.repeat(5_000_000)}`)
    expect(values.size).toBe(0)
    expect(problems).toEqual(['5000006 characters are too many'])
  })

  it('never throws and needs no exponential time', () => {
    fc.assert(fc.property(fc.string(), (text) => readDownwardMap(text) !== undefined))
    readDownwardMap(`a="${'\\'.repeat(100_001)}"\na="${'"'.repeat(100_000)}`)
  })
})
