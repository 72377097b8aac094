import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from '../../plan/types.js'
import { warmUpMs, windowMs } from './round.js'
import { forwardingArgs, Testpmd } from './testpmd.js'
import { descriptors } from './topologies.js'

export interface TestpmdSpec {
  readonly plan: Plan
  readonly runtimeFolder: string
  /** Enters a namespace, say; the arguments go in front of the program. */
  readonly through?: readonly string[]
  /** Makes it read the TSC twice a burst: only where cycles are what is asked for. */
  readonly recordCycles: boolean
}

export interface TestpmdRound {
  readonly packetsPerSecond: number
  /** Of bursts that were not empty, when they were recorded. */
  readonly cyclesPerPacket: number
}

/** The arguments of dpdk-testpmd that make it do what `plan` says, on the same lcore with the same sizes. */
function testpmdArgs(plan: Plan, recordCycles: boolean): string[] {
  const vdevs = plan.ports.map(({ devargs }) => `--vdev=${devargs}`)
  const peers = plan.ports.flatMap(({ ethPeer }, i) => (ethPeer === null ? [] : [`--eth-peer=${i},${ethPeer}`]))
  const topology = plan.ports.length === 1 ? ['--port-topology=loop'] : []
  const { mode } = plan.forwarding
  return [
    ...plan.ealArgs,
    '--file-prefix=spillway-peer',
    ...vdevs,
    '--',
    ...forwardingArgs({ mode, descriptors, mbufs: plan.memory.mbufs, recordCycles }),
    ...topology,
    ...peers,
  ]
}

function received(text: string): number {
  return [...text.matchAll(/RX-packets: (\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0)
}

/** One round of dpdk-testpmd: started, warmed up, measured over a window of our clock, stopped. */
export async function testpmdRound({
  plan,
  runtimeFolder,
  through = [],
  recordCycles,
}: TestpmdSpec): Promise<TestpmdRound> {
  const testpmd = await Testpmd.open({ through, args: testpmdArgs(plan, recordCycles), runtimeFolder })
  const shown = new RegExp(`(?:Tx-pps[^]*){${plan.ports.length}}####\n`)
  try {
    await testpmd.startForwarding()
    await sleep(warmUpMs)
    const before = received(await testpmd.ask('show port stats all', shown))
    const start = performance.now()
    await sleep(windowMs)
    const text = await testpmd.ask('show port stats all', shown)
    const seconds = (performance.now() - start) / 1000
    const { cycles, packets } = await testpmd.stopForwarding()
    return { packetsPerSecond: (received(text) - before) / seconds, cyclesPerPacket: cycles / packets }
  } finally {
    await testpmd.quit()
  }
}
