import { setTimeout as sleep } from 'node:timers/promises'
import { readNetdev } from '../../lab/netdev-counters.js'
import type { Plan } from '../../plan/types.js'
import { startBenchWorker } from './bench-worker.js'
import { warmUpMs, windowMs } from './round.js'
import { pinThread, type TapTopology, tapNames } from './tap-topology.js'
import { forwardingArgs, Testpmd } from './testpmd.js'
import { defaultRule, descriptors } from './topologies.js'

export type Way = 'to kernel' | 'from kernel'

/** One round on one way through a tap. */
export interface TapRound {
  /** Wire packets. */
  readonly packetsPerSecond: number
  /** Of the thread that makes the system calls, in loop turns or bursts that were not empty. */
  readonly cyclesPerPacket: number
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
  readonly atMs: number
  readonly packets: number
  readonly cycles: number
  readonly frames: number
}

function rates(before: Reading, after: Reading): TapRound {
  const seconds = (after.atMs - before.atMs) / 1000
  const packets = after.packets - before.packets
  return {
    packetsPerSecond: packets / seconds,
    cyclesPerPacket: (after.cycles - before.cycles) / packets,
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
  const read = async (): Promise<Reading> => {
    const { atMs, samples } = worker.counters.takeSnapshot()
    const sum = (name: string): number =>
      Number(samples.reduce((total, sample) => (sample.name === name ? total + sample.value : total), 0n))
    const packets = sum(way === 'to kernel' ? 'punted_packets' : 'tap_rx_frames')
    return { atMs, packets, cycles: sum('exception_busy_cycles'), frames: await kernelFrames(spec, tapNames.spillway) }
  }
  try {
    await pinThread(worker.pid, 'exception-0', way === 'to kernel' ? otherCpu : pollingCpu)
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
    ...forwardingArgs({ mode: 'io', descriptors, mbufs: plan.memory.mbufs, recordCycles: true }),
  ]
  const testpmd = await Testpmd.open({ through: topology.pod.enter([]), args, runtimeFolder })
  const read = async (): Promise<Reading> => {
    const frames = await kernelFrames(spec, tapNames.netTap)
    return { atMs: performance.now(), packets: frames, cycles: 0, frames }
  }
  try {
    return await underLoad(spec, tapNames.netTap, async () => {
      await testpmd.startForwarding()
      const measured = rates(...(await twoReadings(read)))
      const { cycles, packets } = await testpmd.stopForwarding()
      return { ...measured, cyclesPerPacket: cycles / packets }
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
