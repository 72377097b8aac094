import { unknownNetdev } from '../../environment/netdevs.js'
import type { NativeRule } from '../../ipc/messages.js'
import { labNetwork } from '../../lab/topology.js'
import type { ForwardingMode, Plan } from '../../plan/types.js'
import type { WorkerProgram } from '../../supervisor/worker-process.js'
import type { Machine } from './machine.js'
import { spillwayRound } from './spillway-round.js'
import { median, medianInterval95 } from './statistics.js'
import { type TestpmdRound, testpmdRound } from './testpmd-round.js'
import { defaultRule, planFor, ruleList, udpFrame } from './topologies.js'

/** One row of the result: the same work done by both programs in turn. */
export interface Comparison {
  readonly topology: 'net_null' | 'af_packet'
  readonly mode: ForwardingMode
  /** How many rules were in force in Spillway, built-ins, `local` and default included; testpmd has none. */
  readonly rules: number
  readonly spillwayMpps: number[]
  readonly testpmdMpps: number[]
  /** Spillway's packet rate over testpmd's; on af_packet, where the rate is given, testpmd's busy cycles over Spillway's. */
  readonly ratioMedian: number
  readonly ratioLow95: number
  /** Spillway's TSC cycles per packet, median. */
  readonly cyclesPerPacket: number
  /** With rules: cycles more than the round without them right before, median. */
  readonly cyclesAdded?: number
  readonly testpmdCyclesPerPacket: number
}

interface Rounds {
  readonly spillway: number[]
  readonly withRules: number[]
  readonly testpmd: number[]
  tscHz: number
}

export interface NullPairSpec {
  readonly machine: Machine
  readonly worker: WorkerProgram
  readonly folder: string
  readonly mode: ForwardingMode
  readonly rounds: number
  readonly onRound: (line: string) => void
}

const mpps = (packetsPerSecond: number): number => packetsPerSecond / 1e6

/** A pair of net_null ports whose mbufs hold a real UDP frame: Spillway, Spillway with rules, testpmd, and again. */
export async function compareNullPair({
  machine,
  worker,
  folder,
  mode,
  rounds,
  onRound,
}: NullPairSpec): Promise<Comparison[]> {
  const plain = planFor(machine, folder, ['net_null0', 'net_null1'], mode)
  const plan: Plan = { ...plain, memory: { ...plain.memory, prefill: udpFrame } }
  const rules = ruleList(plan)
  const measured: Rounds = { spillway: [], withRules: [], testpmd: [], tscHz: 0 }
  for (let round = 1; round <= rounds; round++) {
    const alone = await spillwayRound(worker, plan, [defaultRule])
    const withRules = await spillwayRound(worker, plan, rules)
    const peer: TestpmdRound = await testpmdRound({ plan, runtimeFolder: folder, recordCycles: false })
    measured.tscHz = alone.tscHz
    measured.spillway.push(alone.packetsPerSecond)
    measured.withRules.push(withRules.packetsPerSecond)
    measured.testpmd.push(peer.packetsPerSecond)
    const figures = [alone, withRules, peer].map(({ packetsPerSecond }) => mpps(packetsPerSecond).toFixed(2))
    onRound(
      `net_null ${mode} round ${round}: spillway ${figures[0]}, with rules ${figures[1]}, testpmd ${figures[2]} Mpps`,
    )
  }
  const cycles = (rates: readonly number[]): number[] => rates.map((rate) => measured.tscHz / rate)
  const [alone, ruled] = [cycles(measured.spillway), cycles(measured.withRules)]
  const row = (own: readonly number[], ruleCount: number): Comparison => ({
    topology: 'net_null',
    mode,
    rules: ruleCount,
    spillwayMpps: own.map(mpps),
    testpmdMpps: measured.testpmd.map(mpps),
    ...ratio(own, measured.testpmd),
    cyclesPerPacket: median(cycles(own)),
    testpmdCyclesPerPacket: median(cycles(measured.testpmd)),
  })
  const cyclesAdded = median(ruled.map((value, i) => value - (alone[i] ?? Number.NaN)))
  return [row(measured.spillway, 0), { ...row(measured.withRules, rules.length), cyclesAdded }]
}

export interface AfPacketSpec {
  readonly machine: Machine
  readonly worker: WorkerProgram
  readonly device: string
  readonly through: readonly string[]
  readonly folder: string
  readonly rounds: number
  readonly onRound: (line: string) => void
}

/** The same offered load for both; what is compared is what a packet costs them. */
export async function compareAfPacket(spec: AfPacketSpec): Promise<Comparison> {
  const { machine, worker, device, through, folder, rounds, onRound } = spec
  // The plan is made outside of the namespace in which the netdev is.
  const inside = { ...machine, environment: { ...machine.environment, netdevs: [unknownNetdev(labNetwork.vf)] } }
  const plan = planFor(inside, folder, [device], 'macswap')
  const own: { cycles: number; rate: number }[] = []
  const peers: { cycles: number; rate: number }[] = []
  const onlyDefault: NativeRule[] = [defaultRule]
  for (let round = 1; round <= rounds; round++) {
    const alone = await spillwayRound(worker, plan, onlyDefault)
    const peer = await testpmdRound({ plan, runtimeFolder: folder, through, recordCycles: true })
    own.push({ cycles: alone.busyCyclesPerPacket, rate: alone.packetsPerSecond })
    peers.push({ cycles: peer.cyclesPerPacket, rate: peer.packetsPerSecond })
    onRound(
      `af_packet macswap round ${round}: spillway ${alone.busyCyclesPerPacket.toFixed(0)} cycles at ` +
        `${alone.packetsPerSecond.toFixed(0)} pps, testpmd ${peer.cyclesPerPacket.toFixed(0)} cycles at ${peer.packetsPerSecond.toFixed(0)} pps`,
    )
  }
  const [ours, theirs] = [own.map(({ cycles }) => cycles), peers.map(({ cycles }) => cycles)]
  return {
    topology: 'af_packet',
    mode: 'macswap',
    rules: 0,
    spillwayMpps: own.map(({ rate }) => mpps(rate)),
    testpmdMpps: peers.map(({ rate }) => mpps(rate)),
    ...ratio(theirs, ours),
    cyclesPerPacket: median(ours),
    testpmdCyclesPerPacket: median(theirs),
  }
}

/** Round by round, so that what disturbs the machine for longer than a round disturbs both. */
function ratio(above: readonly number[], below: readonly number[]): { ratioMedian: number; ratioLow95: number } {
  const ratios = above.map((value, i) => value / (below[i] ?? Number.NaN))
  return { ratioMedian: median(ratios), ratioLow95: medianInterval95(ratios).low }
}
