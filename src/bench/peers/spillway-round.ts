import { setTimeout as sleep } from 'node:timers/promises'
import type { NativeRule } from '../../ipc/messages.js'
import type { Plan } from '../../plan/types.js'
import type { CounterReader } from '../../stats/counter-reader.js'
import type { WorkerProgram } from '../../supervisor/worker-process.js'
import { startBenchWorker } from './bench-worker.js'
import { warmUpMs, windowMs } from './round.js'

/** What one round measured. Busy cycles are those of loop turns that moved packets. */
export interface Round {
  readonly packetsPerSecond: number
  readonly busyCyclesPerPacket: number
  readonly tscHz: number
}

interface Reading {
  readonly atMs: number
  readonly packets: bigint
  readonly busyCycles: bigint
}

function read(counters: CounterReader): Reading {
  const { atMs, samples } = counters.takeSnapshot()
  const sum = (name: string): bigint =>
    samples.reduce((total, sample) => (sample.name === name ? total + sample.value : total), 0n)
  return { atMs, packets: sum('rx_packets'), busyCycles: sum('lcore_busy_cycles') }
}

/** Runs one worker with `plan` and `rules`, measures a window, and stops it. */
export async function spillwayRound(program: WorkerProgram, plan: Plan, rules: readonly NativeRule[]): Promise<Round> {
  const worker = await startBenchWorker(program, plan, () => rules)
  try {
    await sleep(warmUpMs)
    const before = read(worker.counters)
    await sleep(windowMs)
    const after = read(worker.counters)
    const packets = Number(after.packets - before.packets)
    return {
      packetsPerSecond: (packets / (after.atMs - before.atMs)) * 1000,
      busyCyclesPerPacket: Number(after.busyCycles - before.busyCycles) / packets,
      tscHz: worker.info.tscHz,
    }
  } finally {
    await worker.stop()
  }
}
