import { afterEach, describe, expect, test } from 'vitest'
import { startFlood } from '../../src/bench/overload/flood.js'
import { startSession } from '../../src/bench/overload/session.js'
import type { PortStatus, Status } from '../../src/http/status.js'
import type { Settings } from '../../src/lab/lab-config.js'
import { settledStatus } from '../../src/lab/settle.js'
import { labNetwork } from '../../src/lab/topology.js'
import { startTcp } from '../../src/lab/traffic-tcp.js'
import { expectAccounted } from '../accounted.js'
import { eventually } from '../eventually.js'
import { alsoClose, closeLabs, failTest, type Lab, programs, readyLab } from './lab-fixture.js'
import { ping } from './ping.js'
import { parseMetrics } from './prometheus.js'
import { udpFrame } from './udp-frame.js'

afterEach(closeLabs)

const benchPrograms = new URL('../../dist/bench/overload/', import.meta.url)
const { peer: peerNetdev, tapV4 } = labNetwork
const bgpPort = 179

/** Six times what the exception path lets through; far below what the lcore takes. */
const floodPps = 30_000
const total = { pps: 5_000, burst: 4_096 }
const other = udpFrame({ sourcePort: 1000, destinationPort: 7000, number: 0, destination: '10.99.0.77' })
const local = udpFrame({ sourcePort: 1000, destinationPort: 7001, number: 0 })

/** Who has 10.99.0.77? Asked by somebody whom nobody knows. */
const arpForNobody = 'ffffffffffff020000000099'
  .concat('0806', '0001080006040001', '020000000099', '0a630063', '000000000000', '0a63004d')
  .padEnd(2 * 60, '0')

const settings = (given: Settings): Settings => ({
  ...given,
  rules: [
    { name: 'bgp', match: `tcp port ${bgpPort}`, to: 'kernel', class: 'control', limit: { pps: 2000, burst: 500 } },
    { name: 'flood', match: 'udp port 7000', to: 'kernel' },
  ],
  exceptionPath: { limit: total },
})

const controlRules = ['bgp', 'arp', 'ipv6-nd', 'lldp', 'slow-protocols']

/** Packets that these rules took. */
function packetsOf({ rules }: Status, names: readonly string[]): number {
  return rules.inForce.reduce((sum, { name, packets }) => (names.includes(name) ? sum + packets : sum), 0)
}

async function readTotals(lab: Lab): Promise<PortStatus['totals']> {
  const [port] = (await lab.instance.status()).ports
  if (port === undefined) throw new Error('no port')
  return port.totals
}

async function settledTotals(lab: Lab): Promise<PortStatus['totals']> {
  await settledStatus(lab.instance)
  return readTotals(lab)
}

/** Starts a flood and waits until it is being shed. */
async function floodWith(lab: Lab, frame: string): Promise<() => Promise<number>> {
  const flood = startFlood(lab.peer, peerNetdev, { pps: floodPps, frame })
  let stopped: Promise<number> | undefined
  const stop = (): Promise<number> => {
    stopped ??= flood.stop()
    return stopped
  }
  alsoClose(stop)
  await eventually(
    'the flood is shed',
    async () => ((await readTotals(lab)).dropped.exception_limit ?? 0) > total.burst,
  )
  return stop
}

async function startBgp(lab: Lab) {
  const session = await startSession(lab, benchPrograms, { address: tapV4, port: bgpPort }, failTest)
  alsoClose(() => session.stop())
  return session
}

describe('under a flood to the kernel', () => {
  test('ping, TCP and a BGP-like session go on, and what is shed is counted', async () => {
    const lab = await readyLab({ settings })
    const session = await startBgp(lab)
    const stopFlood = await floodWith(lab, other)
    const tcp = await startTcp(lab, programs, { addresses: [tapV4], pauseMs: 10 }, failTest)
    alsoClose(() => tcp.stop())
    const answeredBefore = session.count().answered
    expect(await ping(lab.peer, tapV4, 10)).toEqual({ sent: 10, received: 10, duplicates: 0 })
    await eventually('a verified transfer each way', () => tcp.count().downloads >= 1 && tcp.count().uploads >= 1)
    await eventually('20 keepalives', () => session.count().answered >= answeredBefore + 20)
    expect((await tcp.stop()).failed).toBe(0)
    const sent = await stopFlood()
    await session.stop()

    const totals = await settledTotals(lab)
    expectAccounted(totals)
    expect(sent).toBeGreaterThan(0)
    // What the rules sent to the kernel and did not arrive was shed, each packet by one of these reasons.
    const { rule_limit = 0, exception_limit = 0, exception_ring_full = 0 } = totals.dropped
    const toKernel = packetsOf(await lab.instance.status(), [...controlRules, 'local', 'flood'])
    expect(rule_limit + exception_limit + exception_ring_full).toBe(toKernel - totals.punted)
    expect(totals.puntedByClass.control).toBe(packetsOf(await lab.instance.status(), controlRules))
    expect(await lab.instance.stop()).toEqual({ exitCode: 0, signal: null })
  })

  test('of every class at once control is shed last: not at all', async () => {
    const lab = await readyLab({ settings })
    const session = await startBgp(lab)
    const stops = [await floodWith(lab, other), await floodWith(lab, local)]
    const { answered } = session.count()
    await eventually('40 keepalives', () => session.count().answered >= answered + 40)
    await Promise.all(stops.map((stop) => stop()))
    await session.stop()

    const totals = await settledTotals(lab)
    expectAccounted(totals)
    const status = await lab.instance.status()
    expect(totals.puntedByClass.control).toBe(packetsOf(status, controlRules))
    expect(totals.puntedByClass.local).toBeLessThan(packetsOf(status, ['local']))
    expect(totals.puntedByClass.other).toBeLessThan(packetsOf(status, ['flood']))
    const samples = parseMetrics(await lab.instance.get('/metrics'))
    const timed = samples.get('spillway_punt_latency_seconds_count{port="vf0",class="control"}') ?? 0
    expect(timed).toBeGreaterThan(0)
    expect(timed).toBeLessThanOrEqual(1 + (totals.puntedByClass.control ?? 0) / 61)
  })

  test('a flood of ARP is shed by its own rule: the session, of the same class, loses nothing', async () => {
    const lab = await readyLab({
      settings: (given) => ({
        ...settings(given),
        exceptionPath: { limit: total, builtinLimit: { pps: 1_000, burst: 100 } },
      }),
    })
    const session = await startBgp(lab)
    const { answered } = await eventually('the session is up', () => {
      const count = session.count()
      return count.answered > 0 ? count : undefined
    })
    const flood = startFlood(lab.peer, peerNetdev, { pps: floodPps, frame: arpForNobody })
    alsoClose(() => flood.stop())
    await eventually('the flood is shed', async () => ((await readTotals(lab)).dropped.rule_limit ?? 0) > 10_000)
    await eventually('40 keepalives', () => session.count().answered >= answered + 40)
    await flood.stop()
    await session.stop()

    const totals = await settledTotals(lab)
    expectAccounted(totals)
    const { rule_limit = 0, exception_limit = 0, exception_ring_full = 0 } = totals.dropped
    expect({ exception_limit, exception_ring_full }).toEqual({ exception_limit: 0, exception_ring_full: 0 })
    const status = await lab.instance.status()
    expect(totals.puntedByClass.control).toBe(packetsOf(status, controlRules) - rule_limit)
    expect(packetsOf(status, ['arp'])).toBeGreaterThan(rule_limit)
  })
})
