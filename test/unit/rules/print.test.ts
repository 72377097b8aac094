import { describe, expect, it } from 'vitest'
import type { NativeRule } from '../../../src/ipc/messages.js'
import { describeTables, printProof } from '../../../src/rules/print.js'
import type { Proof } from '../../../src/rules/proof.js'

const last: NativeRule = { name: 'default', match: [], verdict: 'forward', class: 'other', limit: null }
const rule = (...match: string[]): NativeRule => ({ ...last, name: 'a', verdict: 'drop', match })

function textFor(rules: readonly NativeRule[], sourceInsns: number): string {
  const list = [...rules, last]
  const proof: Proof = {
    rules: list.length,
    programs: list.reduce((sum, { match }) => sum + Math.max(1, match.length), 0),
    sourceInsns,
    fastInsns: 81,
    exactInsns: 2,
    jit: true,
    jitBytes: 618,
    tables: { shapes: 16, of: 16, partial: 0, fields: 4, alternatives: 9, bytes: 2049, obstacle: null },
    packets: 4000,
    comparisons: 60_000,
    byTables: 2000,
    hits: list.map(() => 0),
  }
  return printProof(list, proof)
}

describe('the form of a list', () => {
  const whole = { shapes: 16, of: 16, partial: 0, fields: 4, alternatives: 9, bytes: 2049, obstacle: null }
  const obstacle = { rule: 0, shape: 'ipv4 tcp', reason: 'a value is computed' }
  const size = '(up to 4 fields and 9 alternatives, 3 KiB)'
  it.each([
    ['all of it in tables', whole, `tables for 16 of 16 shapes of frames ${size}`],
    [
      'some packets not',
      { ...whole, partial: 1, obstacle },
      `tables for 16 of 16 shapes of frames ${size}, of which 1 leave packets to the programs: ipv4 tcp, rule "a": a value is computed`,
    ],
    [
      'some shapes not',
      { ...whole, shapes: 12, obstacle: { ...obstacle, rule: null } },
      `tables for 12 of 16 shapes of frames ${size}: ipv4 tcp: a value is computed`,
    ],
    ['none', { ...whole, shapes: 0, obstacle }, 'no tables: ipv4 tcp, rule "a": a value is computed'],
  ])('says what is in force and why not more: %s', (_, tables, words) => {
    expect(describeTables([rule('arp'), last], { tables } as Proof)).toBe(words)
  })
})

describe('a proof for people', () => {
  it.each([
    ['no expression', [], 0, 'No expression to compile; the list became 81 instructions for ordinary frames\n'],
    ['one', [rule('arp')], 4, '\n1 expression of 4 instructions, fused into 81 instructions for ordinary frames\n'],
    ['one that matches all', [rule('greater 0')], 1, '\n1 expression of 1 instruction, fused into '],
    ['several', [rule('arp', 'vlan and arp')], 12, '\n2 expressions of 12 instructions, fused into '],
  ])('counts the expressions of a list: %s', (_, rules, sourceInsns, words) => {
    expect(textFor(rules, sourceInsns)).toContain(words)
  })
})
