import { setTimeout as sleep } from 'node:timers/promises'
import { readNetdev } from '../../lab/netdev-counters.js'
import type { Plan } from '../../plan/types.js'
import { startBenchWorker } from './bench-worker.js'
import { warmUpMs, windowMs } from './round.js'
import { type TapTopology, tapNames, threadOf } from './tap-topology.js'
import { forwardingArgs, Testpmd } from './testpmd.js'
import { defaultRule, descriptors } from './topologies.js'

export type Way = 'to kernel' | 'from kernel'

/**
 * One round on one way through a tap, by the thread that makes the system calls. It polls, so it is always running: its
 * rates are those of a second of its CPU time, which is a second where nobody else wants that CPU.
 */
export interface TapRound {
  /** Wire packets. */
  readonly packetsPerSecond: number
  /** What the kernel saw: fewer where segments were merged. */
  readonly framesPerSecond: number
}

export interface TapRoundSpec {
  readonly topology: TapTopology
  readonly plan: Plan
  readonly way: Way
  readonly pollingCpu: number
  readonly otherCpu: number
  readonly runtimeFolder: string
}

interface Reading {
  readonly cpuSeconds: number
  readonly packets: number
  readonly frames: number
}

function rates(before: Reading, after: Reading): TapRound {
  const seconds = after.cpuSeconds - before.cpuSeconds
  return {
    packetsPerSecond: (after.packets - before.packets) / seconds,
    framesPerSecond: (after.frames - before.frames) / seconds,
  }
}

/** The kernel counts at the tap what it was given, and what was taken from it. */
async function kernelFrames({ topology, way }: TapRoundSpec, tap: string): Promise<number> {
  const { rxPackets, txPackets } = await readNetdev(topology.pod.pid, tap)
  return way === 'to kernel' ? rxPackets : txPackets
}

/**
 * One round of the real worker. To the kernel an lcore on the polling CPU is the source, and the exception thread has the
 * other CPU; from the kernel the sender needs that one, and the exception thread shares the polling CPU with the lcore.
 */
export async function spillwayTapRound(spec: TapRoundSpec): Promise<TapRound> {
  const { topology, plan, way, pollingCpu, otherCpu } = spec
  const toKernel = { ...defaultRule, verdict: 'kernel' } as const
  const worker = await startBenchWorker(topology.worker, plan, () => [toKernel])
  const thread = threadOf(worker.pid, 'exception-0')
  const read = async (): Promise<Reading> => {
    const frames = await kernelFrames(spec, tapNames.spillway)
    const cpuSeconds = thread.cpuSeconds()
    const { samples } = worker.counters.takeSnapshot()
    const counter = way === 'to kernel' ? 'punted_packets' : 'tap_rx_frames'
    const packets = samples.reduce((total, { name, value }) => (name === counter ? total + value : total), 0n)
    return { cpuSeconds, packets: Number(packets), frames }
  }
  try {
    await thread.pin(way === 'to kernel' ? otherCpu : pollingCpu)
    return await underLoad(spec, tapNames.spillway, async () => rates(...(await twoReadings(read))))
  } finally {
    await worker.stop()
  }
}

/** One round of dpdk-testpmd between the same source and net_tap, all on the polling CPU. */
export async function netTapRound(spec: TapRoundSpec): Promise<TapRound> {
  const { topology, plan, runtimeFolder } = spec
  const args = [
    ...plan.ealArgs,
    '--file-prefix=spillway-peer',
    ...plan.ports.map(({ devargs }) => `--vdev=${devargs}`),
    `--vdev=net_tap0,iface=${tapNames.netTap}`,
    '--',
    ...forwardingArgs({ mode: 'io', descriptors, mbufs: plan.memory.mbufs, recordCycles: false }),
  ]
  const testpmd = await Testpmd.open({ through: topology.pod.enter([]), args, runtimeFolder })
  const lcore = threadOf(testpmd.pid, 'rte-worker-1')
  const read = async (): Promise<Reading> => {
    const frames = await kernelFrames(spec, tapNames.netTap)
    return { cpuSeconds: lcore.cpuSeconds(), packets: frames, frames }
  }
  try {
    return await underLoad(spec, tapNames.netTap, async () => {
      await testpmd.startForwarding()
      return rates(...(await twoReadings(read)))
    })
  } finally {
    await testpmd.quit()
  }
}

async function twoReadings(read: () => Promise<Reading>): Promise<[Reading, Reading]> {
  await sleep(warmUpMs)
  const before = await read()
  await sleep(windowMs)
  return [before, await read()]
}

/** To the kernel the source is a port; from the kernel it is the sender at the tap. */
async function underLoad<T>(
  { topology, way, otherCpu }: TapRoundSpec,
  tap: string,
  measure: () => Promise<T>,
): Promise<T> {
  if (way === 'to kernel') return await measure()
  const end = await topology.flood(tap, otherCpu)
  try {
    return await measure()
  } finally {
    await end()
  }
}
