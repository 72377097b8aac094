import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../../http/status.js'
import { openHttpSocket } from '../../lab/http-socket.js'
import { type Instance, startInstance } from '../../lab/instance.js'
import { formatSettings, labSettings, readAllowedCpus } from '../../lab/lab-config.js'
import { type Namespaces, openNamespaces } from '../../lab/namespaces.js'
import { readNetdev } from '../../lab/netdev-counters.js'
import { checkMachine } from '../../lab/prechecks.js'
import { builtPrograms } from '../../lab/processes.js'
import { makeRunFolder } from '../../lab/run-folder.js'
import type { Teardown } from '../../lab/teardown.js'
import { buildTopology, labNetwork } from '../../lab/topology.js'
import { startPing } from '../../lab/traffic-ping.js'
import { startUdp } from '../../lab/traffic-udp.js'
import { startFlood } from './flood.js'
import { type Session, startSession } from './session.js'

/** One rate of the flood, in one round: what became of everything else meanwhile. */
export interface LabRound {
  readonly round: number
  readonly floodPps: number
  /** Frames of the flood that the kernel of the sender took. */
  readonly flood: number
  readonly fast: number
  readonly forwarded: number
  readonly pings: number
  readonly answers: number
  readonly keepalives: number
  readonly slowestKeepaliveMs: number
  readonly controlShed: number
  readonly punted: number
  readonly shed: number
  /** Frames of all kinds that the peer sent, and those that reached the lcore: the kernel's ring before it may overflow. */
  readonly offered: number
  readonly received: number
  readonly mbufs: number
}

export interface Bed extends Namespaces {
  readonly instance: Instance
  readonly session: Session
}

export const floods: readonly number[] = [0, 10_000, 30_000, 60_000, 120_000, 240_000]
const fastPps = 5_000
export const labWindowMs = 4_000
const settleMs = 500
const bgpPort = 179
const floodPort = 7000

/** The limits are small against the floods: what is measured is how they are kept. */
export const exceptionLimit = { pps: 20_000, burst: 4_096 }

const rules = [
  { name: 'bgp', match: `tcp port ${bgpPort}`, to: 'kernel', class: 'control', limit: { pps: 2_000, burst: 500 } },
  { name: 'flood', match: `udp port ${floodPort}`, to: 'kernel' },
]
const controlRules = ['bgp', 'arp', 'ipv6-nd', 'lldp', 'slow-protocols']

/** Somebody else's address: no rule but the flood's own takes it. UDP to port 7000, 60 bytes. */
const floodFrame = `${labNetwork.vfMac}${labNetwork.peerMac}0800`
  .replaceAll(':', '')
  .concat('450000200000000040110000', '0a630002', '0a63004d', '03e81b58000c0000', '00000000')
  .padEnd(2 * 60, '0')

export async function openBed(teardown: Teardown): Promise<Bed> {
  const namespaces = await openNamespaces(await checkMachine())
  teardown.defer(() => namespaces.close())
  await buildTopology(namespaces)
  const folder = await makeRunFolder()
  teardown.defer(() => folder.remove())
  const settings = { ...labSettings(readAllowedCpus()), rules, exceptionPath: { limit: exceptionLimit } }
  const configFile = await folder.write('spillway.yaml', formatSettings(settings))
  const http = await openHttpSocket({ host: '127.0.0.1', port: 0 })
  const instance = startInstance({ pod: namespaces.pod, configFile, folder: folder.path, http })
  teardown.defer(() => instance.stop())
  await instance.ready()
  const programs = new URL('./', import.meta.url)
  const session = await startSession(namespaces, programs, { address: labNetwork.tapV4, port: bgpPort }, fail)
  teardown.defer(() => session.stop())
  return { ...namespaces, instance, session }
}

function fail(error: Error): never {
  throw error
}

/** Lets the fast path, ping and the session run beside a flood for a while. */
export async function measurePoint(bed: Bed, floodPps: number, round: number): Promise<LabRound> {
  const before = await readBed(bed)
  const answeredBefore = bed.session.count().answered
  const load = { address: labNetwork.fastPathV4, port: 9, pps: fastPps, payloadBytes: 18 }
  const udp = startUdp(bed.peer, builtPrograms, load, fail)
  const ping = startPing(bed.peer, labNetwork.tapV4, fail)
  const flood = floodPps > 0 ? startFlood(bed.peer, labNetwork.peer, { pps: floodPps, frame: floodFrame }) : undefined
  await sleep(labWindowMs)
  const sent = (await flood?.stop()) ?? 0
  const pings = await ping.stop()
  const { answered, slowestMs } = bed.session.count()
  await udp.stop()
  await sleep(settleMs)
  const after = await readBed(bed)
  const delta = (name: keyof Reading): number => after[name] - before[name]
  return {
    round,
    floodPps,
    flood: sent,
    fast: delta('fast'),
    forwarded: delta('forwarded'),
    pings: pings.sent,
    answers: pings.received,
    keepalives: answered - answeredBefore,
    slowestKeepaliveMs: slowestMs,
    controlShed: delta('control') - delta('controlPunted'),
    punted: delta('punted'),
    shed: delta('shed'),
    offered: delta('offered'),
    received: delta('received'),
    mbufs: after.mbufs,
  }
}

interface Reading {
  readonly fast: number
  readonly forwarded: number
  readonly control: number
  readonly controlPunted: number
  readonly punted: number
  readonly shed: number
  readonly offered: number
  readonly received: number
  readonly mbufs: number
}

async function readBed({ instance, peer }: Bed): Promise<Reading> {
  const status = await instance.status()
  const [port] = status.ports
  if (port === undefined) throw new Error('no port')
  const { rxPackets, forwarded, punted, puntedByClass, dropped } = port.totals
  const { rule_limit = 0, exception_limit = 0, exception_ring_full = 0 } = dropped
  return {
    fast: packetsOf(status, ['default']),
    forwarded,
    control: packetsOf(status, controlRules),
    controlPunted: puntedByClass.control ?? 0,
    punted,
    shed: rule_limit + exception_limit + exception_ring_full,
    offered: (await readNetdev(peer.pid, labNetwork.peer)).txPackets,
    received: rxPackets,
    mbufs: status.mempools.reduce((sum, { inUse }) => sum + inUse, 0),
  }
}

function packetsOf({ rules: { inForce } }: Status, names: readonly string[]): number {
  return inForce.reduce((sum, { name, packets }) => (names.includes(name) ? sum + packets : sum), 0)
}
