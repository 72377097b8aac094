import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../../errors.js'
import { runCommand, tryCommand } from '../../lab/commands.js'
import { type NetdevCount, readNetdev } from '../../lab/netdev-counters.js'
import type { Direction } from '../../lab/programs/reports.js'
import { transfer } from '../../lab/programs/transfer.js'
import { warmUpMs, windowMs } from '../peers/round.js'
import { median } from '../peers/statistics.js'
import type { Running } from './contender.js'
import type { Endpoint } from './endpoint.js'
import type { Figures } from './figures.js'
import type { Testbed } from './testbed.js'

/** What every program carries without loss, one packet at a time, also where the CPU is emulated. */
const fixedPps = 2000
/**
 * Cycles are the TSC's: what takes the lcore its CPU in the middle of a packet (on a shared host, every few milliseconds)
 * costs that packet millions of them. The median of short windows leaves out the few that this happened to.
 */
const fixedWindows = 10
const fixedSeconds = 0.1
const floodSeconds = (warmUpMs + windowMs + 100) / 1000
const pings = 60
const pingIntervalSeconds = 0.02
const transfers = 3
const answerPatienceMs = 60_000
const quietMs = 20

/** One way of the exception path, as kernels count packets at their netdevs. */
interface Way {
  readonly source: Endpoint
  /** At the tap: a packet that the program gave to the kernel, or took from it. */
  moved(): Promise<number>
  /** At the other end: of the punted the same, of the injected what the peer received. */
  arrived(): Promise<number>
}

function ways({ spec, pod, peer }: Testbed): { readonly punt: Way; readonly inject: Way } {
  const tap = (): Promise<NetdevCount> => readNetdev(pod.pid, spec.tap)
  const punted = async (): Promise<number> => (await tap()).rxPackets
  return {
    punt: { source: peer, moved: punted, arrived: punted },
    inject: {
      source: pod,
      moved: async () => (await tap()).txPackets,
      arrived: async () => (await readNetdev(peer.pid, spec.peerNetdev)).rxPackets,
    },
  }
}

/** Everything that is measured of a program while it runs once. */
export async function measure(running: Running, testbed: Testbed): Promise<Figures> {
  const { punt, inject } = ways(testbed)
  const rttMs = await measureRtt(running, testbed)
  return {
    rttMs,
    ...named('punt', await fixedRate(running, punt), await flood(running, punt)),
    ...named('inject', await fixedRate(running, inject), await flood(running, inject)),
    tcpPuntMbps: await goodput(running, testbed.url, 'download'),
    tcpInjectMbps: await goodput(running, testbed.url, 'upload'),
  }
}

/** Busy cycles of a program over the packets that it moved through the tap meanwhile. */
interface PerPacket {
  readonly lcore: number
  readonly allThreads: number
}

interface Flood {
  readonly pps: number
  readonly cycles: PerPacket
}

function named(way: 'punt' | 'inject', fixed: PerPacket, { pps, cycles }: Flood): Figures {
  return {
    [`${way}LcoreCycles`]: fixed.lcore,
    [`${way}Cycles`]: fixed.allThreads,
    [`${way}Pps`]: pps,
    [`${way}FloodLcoreCycles`]: cycles.lcore,
    [`${way}FloodCycles`]: cycles.allThreads,
  }
}

async function perPacket(running: Running, way: Way, drive: () => Promise<void>): Promise<PerPacket> {
  let packets = Number.NaN
  const { lcoreCycles, threadCycles } = await running.during(async () => {
    const before = await way.moved()
    await drive()
    await allMoved(way)
    packets = (await way.moved()) - before
  })
  return { lcore: lcoreCycles / packets, allThreads: (lcoreCycles + threadCycles) / packets }
}

/** A rate that the program keeps up with: what a packet costs it when packets come one by one. */
async function fixedRate(running: Running, way: Way): Promise<PerPacket> {
  const windows: PerPacket[] = []
  for (let i = 0; i < fixedWindows; i++)
    windows.push(
      await perPacket(running, way, async () => {
        await way.source.send(fixedPps, fixedSeconds)
      }),
    )
  return {
    lcore: median(windows.map(({ lcore }) => lcore)),
    allThreads: median(windows.map(({ allThreads }) => allThreads)),
  }
}

/** As many packets as the source can send: how many arrive within a window. */
async function flood(running: Running, way: Way): Promise<Flood> {
  let pps = Number.NaN
  const cycles = await perPacket(running, way, async () => {
    const sent = way.source.send('flood', floodSeconds)
    await sleep(warmUpMs)
    const start = performance.now()
    const before = await way.arrived()
    await sleep(windowMs)
    pps = ((await way.arrived()) - before) / ((performance.now() - start) / 1000)
    await sent
  })
  return { pps, cycles }
}

async function allMoved(way: Way): Promise<void> {
  let before = Number.NaN
  for (let now = await way.moved(); now !== before; now = await way.moved()) {
    before = now
    await sleep(quietMs)
  }
}

/** The peer's kernel pings the tap's, through the program and back. */
export async function measureRtt(running: Running, testbed: Testbed): Promise<number> {
  const { tapAddress } = testbed.spec
  const ping = (...options: string[]): string[] => testbed.atPeer(['ping', '-n', ...options, tapAddress])
  let said = ''
  await running.during(async () => {
    await firstAnswer(ping('-c', '1', '-W', '1'))
    said = await runCommand(ping('-i', String(pingIntervalSeconds), '-c', String(pings)))
  })
  return median(roundTrips(said))
}

/** Links and neighbours come up first. */
async function firstAnswer(argv: readonly string[]): Promise<void> {
  const deadline = performance.now() + answerPatienceMs
  while ((await tryCommand(argv)).exitCode !== 0) {
    if (performance.now() > deadline)
      throw new SpillwayError('ERR_WORKER', `the tap does not answer through the program under test: ${argv.join(' ')}`)
  }
}

/** The times in the output of ping, in milliseconds. */
export function roundTrips(said: string): number[] {
  return [...said.matchAll(/ time=([\d.]+) ms/g)].map(([, ms]) => Number(ms))
}

/** Of verified transfers of 1 MiB, checksum included. `download`: the pod receives. */
async function goodput(running: Running, url: string, direction: Direction): Promise<number> {
  const rates: number[] = []
  await running.during(async () => {
    for (let i = 0; i < transfers; i++) {
      const report = await transfer(url, direction)
      if (report.type === 'failed') throw new SpillwayError('ERR_WORKER', `${direction} ${url}: ${report.message}`)
      rates.push((report.bytes * 8) / 1000 / report.milliseconds)
    }
  })
  return median(rates)
}
