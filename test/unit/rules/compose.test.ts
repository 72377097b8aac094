import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NativeRule } from '../../../src/ipc/messages.js'
import { composeRules, type RulePlan } from '../../../src/rules/compose.js'

const tap = { exception: { backend: 'tap' as const } }
const none = { exception: { backend: 'none' as const } }
const own = [{ port: 'vf0', tap: 'ext0', addresses: ['10.99.0.1', 'fd00::1'] }]

const bgp = {
  name: 'bgp',
  match: 'tcp port 179',
  to: 'kernel' as const,
  class: 'control' as const,
  limit: { pps: 20_000, burst: 2000 },
}

function plan(changes: Partial<RulePlan['exceptionPath']> = {}, ports: RulePlan['ports'] = [tap]): RulePlan {
  const exceptionPath = {
    builtins: true,
    builtinLimit: null,
    default: 'forward' as const,
    fragments: 'rules' as const,
    limit: null,
    ...changes,
  }
  return { rules: [bgp], ports, exceptionPath }
}

function names(rules: readonly NativeRule[]): string[] {
  return rules.map(({ name }) => name)
}

function rule(rules: readonly NativeRule[], wanted: string): NativeRule | undefined {
  return rules.find(({ name }) => name === wanted)
}

describe('composeRules', () => {
  it('puts user rules first, then fragments, built-ins, local, and the default last', () => {
    expect(names(composeRules(plan({ fragments: 'drop' }), own))).toEqual([
      'bgp',
      'fragments',
      'arp',
      'ipv6-nd',
      'lldp',
      'slow-protocols',
      'local',
      'default',
    ])
  })

  it('limits each built-in control protocol, and not local', () => {
    const limit = { pps: 20_000, burst: 2048 }
    const made = composeRules(plan({ builtinLimit: limit }), own)
    const limits = made.filter(({ verdict }) => verdict === 'kernel').map((each) => [each.name, each.limit])
    expect(Object.fromEntries(limits)).toEqual({
      bgp: bgp.limit,
      arp: limit,
      'ipv6-nd': limit,
      lldp: limit,
      'slow-protocols': limit,
      local: null,
    })
  })

  it('hands a user rule over as it is written', () => {
    expect(composeRules(plan(), own)[0]).toEqual({
      name: 'bgp',
      match: ['tcp port 179'],
      verdict: 'kernel',
      class: 'control',
      limit: { pps: 20_000, burst: 2000 },
    })
  })

  it('brings an expression that YAML folded over lines onto one line', () => {
    const folded = { ...bgp, match: '  host 10.1.2.3\n   and\ttcp port 22\n' }
    expect(composeRules({ ...plan(), rules: [folded] }, [])[0]?.match).toEqual(['host 10.1.2.3 and tcp port 22'])
  })

  it('ends with a default that matches everything, with the verdict of the configuration', () => {
    for (const verdict of ['forward', 'kernel', 'drop'] as const) {
      const last = composeRules(plan({ default: verdict }), own).at(-1)
      expect(last).toEqual({ name: 'default', match: [], verdict, class: 'other', limit: null })
    }
  })

  it('matches built-ins also behind one and two VLAN tags, as expressions of their own', () => {
    expect(rule(composeRules(plan(), own), 'arp')).toEqual({
      name: 'arp',
      match: ['arp', 'vlan and (arp)', 'vlan and vlan and (arp)'],
      verdict: 'kernel',
      class: 'control',
      limit: null,
    })
  })

  it('takes what is sent to the addresses of the taps, in IP only and once each', () => {
    const twice = [...own, { port: 'vf1', tap: 'ext1', addresses: ['10.99.0.1'] }]
    const text = 'ip dst host 10.99.0.1 or ip6 dst host fd00::1'
    expect(rule(composeRules(plan(), twice), 'local')).toEqual({
      name: 'local',
      match: [text, `vlan and (${text})`, `vlan and vlan and (${text})`],
      verdict: 'kernel',
      class: 'local',
      limit: null,
    })
  })

  it('has no local rule while the taps have no address', () => {
    expect(names(composeRules(plan(), [{ port: 'vf0', tap: 'ext0', addresses: [] }]))).not.toContain('local')
  })

  it('keeps every expression for many addresses within what is accepted', () => {
    const address = fc.ipV6().filter((text) => !text.includes('.'))
    fc.assert(
      fc.property(fc.uniqueArray(address, { minLength: 1, maxLength: 200 }), (addresses) => {
        const local = rule(composeRules(plan(), [{ port: 'a', tap: 'b', addresses }]), 'local')
        const all = local?.match.join('\n') ?? ''
        expect(Math.max(...(local?.match.map((text) => text.length) ?? []))).toBeLessThanOrEqual(4096)
        for (const one of addresses) expect(all).toContain(`ip6 dst host ${one}`)
      }),
      { numRuns: 20 },
    )
  })

  it.each([
    ['builtins is off', plan({ builtins: false })],
    ['no port has a way to the kernel', plan({}, [none, none])],
  ])('leaves built-ins and local out when %s', (_, without) => {
    expect(names(composeRules(without, own))).toEqual(['bgp', 'default'])
  })

  it('has built-ins when one port of several has a way to the kernel', () => {
    expect(names(composeRules(plan({}, [none, tap]), own))).toContain('arp')
  })

  it('sends later fragments where the configuration says, IPv4 and IPv6', () => {
    const fragments = rule(composeRules(plan({ fragments: 'kernel' }), own), 'fragments')
    expect(fragments?.verdict).toBe('kernel')
    expect(fragments?.match).toHaveLength(6)
    expect(fragments?.match[0]).toBe('ip[6:2] & 0x1fff != 0')
    expect(fragments?.match[3]).toBe('ip6[6] == 44 and ip6[42:2] & 0xfff8 != 0')
  })
})
