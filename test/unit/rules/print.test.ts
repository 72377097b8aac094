import { describe, expect, it } from 'vitest'
import type { NativeRule } from '../../../src/ipc/messages.js'
import { printProof } from '../../../src/rules/print.js'
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
    packets: 4000,
    comparisons: 48_000,
    hits: list.map(() => 0),
  }
  return printProof(list, proof)
}

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
