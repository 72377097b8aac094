import { unknownNetdev } from '../../environment/netdevs.js'
import type { Plan } from '../../plan/types.js'
import type { Machine } from './machine.js'
import { type Interval, median, medianInterval95 } from './statistics.js'
import { netTapRound, spillwayTapRound, type TapRound, type Way } from './tap-rounds.js'
import { type TapTopology, tapNames } from './tap-topology.js'
import { burst, descriptors, mbufCache, planOf } from './topologies.js'

/** One row of the result: Spillway's backend `tap` and DPDK's net_tap in turn. */
export interface TapComparison {
  readonly title: string
  /** What the ratio of packet rates is to be at least. */
  readonly reach: number
  readonly spillway: TapRound[]
  readonly netTap: TapRound[]
  readonly ratioMedian: number
  readonly ratioInterval95: Interval
}

interface Flows {
  readonly title: string
  readonly way: Way
  readonly reach: number
  readonly source: (captures: TapTopology['captures']) => string
}

const play = (capture: string): string => `net_pcap0,rx_pcap=${capture},infinite_rx=1`

const comparisons: readonly Flows[] = [
  { title: 'mixed flows to the kernel', way: 'to kernel', reach: 1, source: ({ mixed }) => play(mixed) },
  { title: 'mixed flows from the kernel', way: 'from kernel', reach: 1, source: () => 'net_null0,no-rx=1' },
  { title: 'one bulk flow to the kernel', way: 'to kernel', reach: 5, source: ({ bulk }) => play(bulk) },
]

export interface TapSpec {
  readonly machine: Machine
  readonly topology: TapTopology
  readonly folder: string
  readonly rounds: number
  readonly onRound: (line: string) => void
}

export async function compareTap(spec: TapSpec): Promise<TapComparison[]> {
  const rows: TapComparison[] = []
  for (const flows of comparisons) rows.push(await compareFlows(spec, flows))
  return rows
}

async function compareFlows(
  { machine, topology, folder, rounds, onRound }: TapSpec,
  flows: Flows,
): Promise<TapComparison> {
  const { pollingCpu, allowedCpus } = machine
  const otherCpu = allowedCpus.find((cpu) => cpu !== pollingCpu) ?? pollingCpu
  const plan = planOfSource(machine, folder, flows.source(topology.captures))
  const round = { topology, plan, way: flows.way, pollingCpu, otherCpu, runtimeFolder: folder }
  const [spillway, netTap]: [TapRound[], TapRound[]] = [[], []]
  for (let i = 1; i <= rounds; i++) {
    const own = await spillwayTapRound(round)
    const peer = await netTapRound(round)
    spillway.push(own)
    netTap.push(peer)
    onRound(`${flows.title}, round ${i}: spillway ${say(own)}, net_tap ${say(peer)}`)
  }
  // Round by round, so that what disturbs the machine for longer than a round disturbs both.
  const ratios = spillway.map((own, i) => own.packetsPerSecond / (netTap[i]?.packetsPerSecond ?? Number.NaN))
  const { title, reach } = flows
  return { title, reach, spillway, netTap, ratioMedian: median(ratios), ratioInterval95: medianInterval95(ratios) }
}

const say = ({ packetsPerSecond }: TapRound): string => `${(packetsPerSecond / 1e6).toFixed(3)} Mpps`

function planOfSource(machine: Machine, folder: string, device: string): Plan {
  const tap = tapNames.spillway
  // The plan is made outside of the namespace in which the tap is.
  const inside = { ...machine, environment: { ...machine.environment, netdevs: [unknownNetdev(tap)] } }
  return planOf(inside, folder, {
    lcores: String(machine.pollingCpu),
    burst,
    memory: { pageSize: machine.pageSize, mbufCache, mbufs: 16_384 },
    ports: [
      {
        name: 'p0',
        device,
        queues: 1,
        rxDescriptors: descriptors,
        txDescriptors: descriptors,
        exception: { backend: 'tap', tap, queues: 1 },
      },
    ],
    forwarding: { mode: 'rxonly' },
    exceptionPath: { builtins: false, default: 'kernel', limit: null },
  })
}
