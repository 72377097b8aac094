import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadRules } from '../../src/rules/load.js'
import { type Prover, startProver } from '../../src/rules/prover.js'
import { ether, icmp6, ip, ip6, llc, option, tagged, tcp, udp } from './recipe-frames.js'

/** docs/recipes.md promises that each of its blocks was tried: here it is. */

const page = readFileSync(fileURLToPath(new URL('../../docs/recipes.md', import.meta.url)), 'utf8')

/** The YAML blocks of the page by heading; several below one heading are joined. */
function readRecipes(): Map<string, string> {
  const recipes = new Map<string, string>()
  for (const section of page.split(/^## /m).slice(1)) {
    const heading = section.slice(0, section.indexOf('\n'))
    const blocks = [...section.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
    if (blocks.length > 0) recipes.set(heading, blocks.join(''))
  }
  return recipes
}

const [TCP, UDP, OSPF, PIM, VRRP, IGMP, ICMP6] = [6, 17, 89, 103, 112, 2, 58] as const
const [hopByHop, routing, fragmentHeader, destinationOptions] = [0, 43, 44, 60] as const
const firstFragment = 0x2000
const laterFragment = 0x00b9
const valid = { ttl: 255 }

/** Frames of a recipe, each with the rule that has to take it. */
const frames: Record<string, readonly (readonly [frame: string, rule: string])[]> = {
  BGP: [
    [ip(TCP, tcp(40_000, 179)), 'bgp'],
    [ip(TCP, tcp(179, 40_000)), 'bgp'],
    [ip6(TCP, tcp(40_000, 179)), 'bgp'],
    [tagged(ip(TCP, tcp(40_000, 179))), 'bgp'],
    [tagged(ip6(TCP, tcp(179, 40_000))), 'bgp'],
    [ip(TCP, tcp(40_000, 1790)), 'default'],
    [ip(UDP, udp(40_000, 179)), 'default'],
    [ip(TCP, tcp(40_000, 179), { fragment: laterFragment }), 'default'],
  ],
  BFD: [
    [ip(UDP, udp(49_152, 3784), valid), 'bfd'],
    [ip6(UDP, udp(49_152, 3784), valid), 'bfd'],
    [ip(UDP, udp(49_152, 6784), valid), 'bfd'],
    [ip(UDP, udp(49_152, 4784), { ttl: 250 }), 'bfd-multihop'],
    [ip6(UDP, udp(49_152, 4784)), 'bfd-multihop'],
    [ip(UDP, udp(49_152, 3784), { ttl: 254 }), 'default'],
    [ip6(UDP, udp(49_152, 3784), { ttl: 254 }), 'default'],
    [ip(UDP, udp(3784, 49_152), valid), 'default'],
    [ip(UDP, udp(49_152, 3785), valid), 'default'],
  ],
  OSPF: [
    [ip(OSPF, '02010030', { to: '224.0.0.5' }), 'ospf'],
    [ip(OSPF, '02020030'), 'ospf'],
    [ip(OSPF, '0000', { fragment: laterFragment }), 'ospf'],
    [ip6(OSPF, '03010030'), 'ospf'],
    [ip(88, '02010030', { to: '224.0.0.10' }), 'default'],
    [ip(UDP, udp(89, 89)), 'default'],
  ],
  'IS-IS': [
    [llc('fefe0383140100'), 'isis'],
    [llc('fefe0381140100'), 'default'],
    [llc('424203000000'), 'default'],
    [ip(124, '83140100'), 'default'],
  ],
  VRRP: [
    [ip(VRRP, '21010164', { ...valid, to: '224.0.0.18' }), 'vrrp'],
    [ip6(VRRP, '31010164', valid), 'vrrp'],
    [ip(VRRP, '21010164', { ttl: 64, to: '224.0.0.18' }), 'default'],
    [ip6(VRRP, '31010164'), 'default'],
  ],
  PIM: [
    [ip(PIM, '20000000', { to: '224.0.0.13' }), 'pim'],
    [ip6(PIM, '20000000'), 'pim'],
    [ip(UDP, udp(103, 103)), 'default'],
  ],
  DHCP: [
    [ip(UDP, udp(67, 68), { to: '255.255.255.255' }), 'dhcp-client'],
    [ip(UDP, udp(67, 68), { to: '192.0.2.77' }), 'dhcp-client'],
    [ip6(UDP, udp(547, 546)), 'dhcpv6-client'],
    [ip(UDP, udp(68, 67), { to: '255.255.255.255' }), 'default'],
    [ip(UDP, udp(547, 546)), 'default'],
    [ip6(UDP, udp(546, 547)), 'default'],
  ],
  'MLD and IGMP': [
    ...[130, 131, 132, 143].map((type) => [ip6(hopByHop, option(ICMP6, icmp6(type)), { ttl: 1 }), 'mld'] as const),
    [ip(IGMP, '11640000e0000001', { ttl: 1, to: '224.0.0.1' }), 'igmp'],
    [ip6(hopByHop, option(ICMP6, icmp6(128))), 'default'],
    [ip6(destinationOptions, option(ICMP6, icmp6(130))), 'default'],
    [ip6(ICMP6, icmp6(128)), 'default'],
    [ip6(ICMP6, icmp6(135)), 'ipv6-nd'],
  ],
  Fragments: [
    [ip(UDP, udp(2152, 2152), { to: '10.99.0.1' }), 'gtpu'],
    [ip(UDP, udp(2152, 2152), { to: '10.99.0.1', fragment: firstFragment }), 'gtpu-fragments'],
    [ip(UDP, 'aabb'.repeat(12), { to: '10.99.0.1', fragment: laterFragment }), 'gtpu-fragments'],
    [ip(UDP, udp(2152, 2152), { fragment: firstFragment }), 'gtpu'],
    [ip(UDP, 'aabb'.repeat(12), { fragment: laterFragment }), 'fragments'],
    [ip6(fragmentHeader, `11000569${'00000001'}${'aabb'.repeat(8)}`), 'fragments'],
    [ip6(fragmentHeader, `11000001${'00000001'}${udp(1000, 1001)}`), 'default'],
    [ip(UDP, udp(1000, 1001), { to: '10.99.0.1' }), 'local'],
  ],
  'IPv6 extension headers': [
    [ip6(hopByHop, option(ICMP6, icmp6(143)), { ttl: 1 }), 'mld'],
    [ip6(hopByHop, option(TCP, tcp(40_000, 80))), 'ipv6-options'],
    [ip6(routing, option(UDP, udp(1000, 1001))), 'ipv6-options'],
    [ip6(destinationOptions, option(TCP, tcp(40_000, 179))), 'ipv6-options'],
    [ip6(135, option(59, '')), 'ipv6-options'],
    [ip6(TCP, tcp(40_000, 80)), 'default'],
    [ip6(50, '0000000100000001'), 'default'],
    [ip6(fragmentHeader, `06000001${'00000001'}${tcp(40_000, 80)}`), 'default'],
    [ip(hopByHop, '00'.repeat(16)), 'default'],
  ],
}

/** A pcap file of Ethernet frames. */
function pcapOf(hexFrames: readonly string[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(65_535, 16)
  header.writeUInt32LE(1, 20)
  const records = hexFrames.map((text) => {
    const frame = Buffer.from(text, 'hex')
    const record = Buffer.alloc(16)
    record.writeUInt32LE(frame.length, 8)
    record.writeUInt32LE(frame.length, 12)
    return Buffer.concat([record, frame])
  })
  return Buffer.concat([header, ...records])
}

describe('the recipes of docs/recipes.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-recipes-'))
  const recipes = readRecipes()
  let prover: Prover

  beforeAll(() => {
    prover = startProver()
  })

  afterAll(async () => {
    await prover.stop()
    rmSync(folder, { recursive: true })
  })

  it('are all tried, and none of the trials is of a recipe that is gone', () => {
    expect([...recipes.keys()]).toEqual(Object.keys(frames))
  })

  it.each(Object.entries(frames))(
    '%s: proved, and takes what it should and nothing else',
    async (heading, expected) => {
      const file = join(folder, 'recipe.yaml')
      const capture = join(folder, 'recipe.pcap')
      writeFileSync(file, recipes.get(heading) ?? '')
      writeFileSync(capture, pcapOf(expected.map(([frame]) => frame)))
      const list = loadRules(file, ['10.99.0.1'])
      await expect(prover.prove(list)).resolves.toMatchObject({ rules: list.length })
      const taken: string[] = []
      await prover.replay(list, capture, ({ rule }) => taken.push(rule?.name ?? 'truncated'))
      expect(taken.map((rule, index) => [expected[index]?.[0], rule])).toEqual(expected.map(([...pair]) => pair))
    },
  )

  it('a control rule always has a limit', () => {
    for (const [heading, text] of recipes) {
      writeFileSync(join(folder, 'recipe.yaml'), text)
      const control = loadRules(join(folder, 'recipe.yaml'), []).filter((rule) => rule.class === 'control')
      expect(
        control.filter(({ limit }) => limit === null),
        heading,
      ).toEqual([])
    }
  })

  it('LACP and LLDP need none: the built-ins take them', async () => {
    const file = join(folder, 'recipe.yaml')
    const capture = join(folder, 'recipe.pcap')
    writeFileSync(file, 'rules: []\n')
    writeFileSync(capture, pcapOf([ether(0x8809, '0101'), ether(0x88cc, '0207'), tagged(ether(0x8809, '0101'))]))
    const list = loadRules(file, [])
    const taken: string[] = []
    await prover.replay(list, capture, ({ rule }) => taken.push(`${rule?.name} ${rule?.class}`))
    expect(taken).toEqual(['slow-protocols control', 'lldp control', 'slow-protocols control'])
  })
})
