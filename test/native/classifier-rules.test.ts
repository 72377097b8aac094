import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NativeRule } from '../../src/ipc/messages.js'
import { composeRules } from '../../src/rules/compose.js'
import type { ReplayedPacket } from '../../src/rules/proof.js'
import { type Prover, startProver } from '../../src/rules/prover.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const capture = `${root}/test/fixtures/captures/real-traffic.pcap`
const addresses = [{ port: 'vf0', tap: 'ext0', addresses: ['10.99.0.1', 'fd00::1'] }]

function listWith(rules: { name: string; match: string; to: 'kernel' | 'forward' | 'drop' }[]): NativeRule[] {
  return composeRules(
    {
      rules: rules.map((rule) => ({ ...rule, class: 'other', limit: null })),
      ports: [{ exception: { backend: 'tap' } }],
      exceptionPath: { builtins: true, builtinLimit: null, default: 'forward', fragments: 'drop', limit: null },
    },
    addresses,
  )
}

describe('the prover', () => {
  let prover: Prover

  beforeAll(() => {
    prover = startProver()
  })

  afterAll(() => prover.stop())

  it('proves the built-ins beside user rules, each met by packets of the corpus', async () => {
    const proof = await prover.prove(listWith([{ name: 'bgp', match: 'tcp port 179', to: 'kernel' }]))
    expect(proof).toMatchObject({ rules: 8, packets: 4000, comparisons: 60_000 })
    expect(proof.tables).toMatchObject({ shapes: 16, of: 16, partial: 0, obstacle: null })
    expect(proof.byTables).toBeGreaterThan(1000)
    expect(proof.hits).toHaveLength(8)
    expect(proof.hits.every((hits) => hits > 0)).toBe(true)
    expect(proof.fastInsns).toBeGreaterThan(0)
  })

  it('says which rule keeps packets from the tables, and why', async () => {
    const proof = await prover.prove(
      listWith([
        { name: 'plain', match: 'udp port 514', to: 'drop' },
        { name: 'http', match: 'tcp port 80 and tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420', to: 'drop' },
      ]),
    )
    expect(proof.tables).toMatchObject({ shapes: 16, partial: 1 })
    expect(proof.tables.obstacle).toMatchObject({ rule: 1, shape: 'ipv4 tcp', reason: expect.stringMatching(/./) })
  })

  it("refuses a bad rule with its name and libpcap's text, and goes on", async () => {
    const bad = listWith([
      { name: 'good', match: 'udp', to: 'drop' },
      { name: 'bad', match: 'tcp prt 80', to: 'drop' },
    ])
    await expect(prover.prove(bad)).rejects.toMatchObject({
      code: 'ERR_RULE',
      exitCode: 78,
      message: 'rule "bad": can\'t parse filter expression: syntax error, found "tcp prt 80"',
    })
    await expect(prover.prove(listWith([]))).resolves.toMatchObject({ rules: 7 })
  })

  it('refuses names of hosts, which a resolver may answer differently later', async () => {
    const named = listWith([{ name: 'named', match: 'host localhost', to: 'drop' }])
    await expect(prover.prove(named)).rejects.toMatchObject({
      code: 'ERR_RULE',
      message: 'rule "named": unknown host \'localhost\', found "host localhost"',
    })
  })

  it('answers questions in the order in which they were asked', async () => {
    const sizes = [1, 5, 2].map((n) =>
      listWith(
        Array.from({ length: n }, (_, i) => ({ name: `r${i}`, match: `tcp port ${i + 1}`, to: 'drop' as const })),
      ),
    )
    const proofs = await Promise.all(sizes.map((list) => prover.prove(list)))
    expect(proofs.map(({ rules }) => rules)).toEqual([8, 12, 9])
  })

  it('says for each packet of a capture which rule takes it', async () => {
    const list = listWith([{ name: 'mine', match: 'dst host 10.99.0.1 and udp', to: 'forward' }])
    const packets: ReplayedPacket[] = []
    const count = await prover.replay(list, capture, (packet) => packets.push(packet))
    expect(packets.map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    const taken = new Set(packets.map(({ rule }) => rule?.name))
    expect(packets.length).toBeGreaterThan(50)
    for (const name of ['arp', 'ipv6-nd', 'lldp', 'slow-protocols', 'local', 'fragments', 'default'])
      expect(taken).toContain(name)
  })

  it.each([
    ['no capture', Buffer.from('hello, this is not a capture file at all')],
    ['an empty file', Buffer.alloc(0)],
    ['another link type', pcapHeader(101)],
    ['a record longer than the file', Buffer.concat([pcapHeader(1), record(1_000_000, Buffer.alloc(10))])],
  ])('does not choke on %s', async (_, bytes) => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-capture-'))
    try {
      const file = join(folder, 'x.pcap')
      writeFileSync(file, bytes)
      await expect(prover.replay(listWith([]), file, () => {})).rejects.toMatchObject({ code: 'ERR_USAGE' })
      await expect(prover.prove(listWith([]))).resolves.toMatchObject({ rules: 7 })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('calls frames that end within their headers truncated', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-capture-'))
    try {
      const file = join(folder, 'x.pcap')
      const ethernet = Buffer.from('020000000001020000000002', 'hex')
      const cut = [Buffer.from('8100', 'hex'), Buffer.from('86dd6000', 'hex'), Buffer.from('080046', 'hex')]
      const frames = cut.map((rest) => Buffer.concat([ethernet, rest]))
      writeFileSync(file, Buffer.concat([pcapHeader(1), ...frames.map((frame) => record(frame.length, frame))]))
      const packets: ReplayedPacket[] = []
      await prover.replay(listWith([]), file, (packet) => packets.push(packet))
      expect(packets.map(({ rule }) => rule)).toEqual([undefined, undefined, undefined])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('spillway rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-rules-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  function spillway(...args: string[]) {
    const options = { encoding: 'utf8' as const, env: { PATH: process.env.PATH ?? '' } }
    return spawnSync(process.execPath, [`${root}/bin/spillway.mjs`, 'rules', ...args], options)
  }

  function file(name: string, text: string): string {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }

  const rule = '{ name: bgp, match: "tcp port 179", to: kernel }'

  it.each([
    ['a configuration', `burst: 64\nrules:\n  - ${rule}\n`],
    ['a bare list', `- ${rule}\n`],
  ])('check takes %s', (_, text) => {
    const { status, stdout, stderr } = spillway('check', file('good.yaml', text), '--address', '10.99.0.1')
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^bgp +kernel +\d+ +tcp port 179$/m)
    expect(stdout).toMatch(/^local +kernel +\d+ +ip dst host 10\.99\.0\.1$/m)
    expect(stdout).toMatch(/^In front of them tables for 16 of 16 shapes of frames \(.*\)\.$/m)
    expect(stdout).toContain('4000 packets, 60000 comparisons with libpcap: no difference.')
    expect(status).toBe(0)
  })

  it.each([
    ['- { name: bad, match: "tcp prt 80", to: drop }', 'ERR_RULE: rule "bad": can\'t parse filter expression'],
    ['- { name: arp, match: "tcp", to: drop }', 'ERR_CONFIG'],
    ['- { nam: x, match: "tcp", to: drop }', 'ERR_CONFIG'],
    ['rules: [', 'ERR_CONFIG'],
  ])('check refuses %s with exit 78', (text, message) => {
    const { status, stdout, stderr } = spillway('check', file('bad.yaml', text))
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
    expect(status).toBe(78)
  })

  it('test says where each packet goes and sums up', () => {
    const { status, stdout } = spillway('test', file('good.yaml', `- ${rule}`), capture, '-a', '10.99.0.1')
    expect(stdout).toMatch(/^ +\d+ +\d+ bytes {2}kernel \(bgp\)$/m)
    expect(stdout).toMatch(/^bgp +kernel +10$/m)
    expect(stdout).toMatch(/^arp +kernel +2$/m)
    expect(status).toBe(0)
  })
})

function pcapHeader(linkType: number): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(65_535, 16)
  header.writeUInt32LE(linkType, 20)
  return header
}

function record(length: number, bytes: Buffer): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(length, 8)
  header.writeUInt32LE(length, 12)
  return Buffer.concat([header, bytes])
}
