import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../../errors.js'
import type { CounterLayout, NativeRule } from '../../ipc/messages.js'
import type { Plan } from '../../plan/types.js'
import { CounterReader } from '../../stats/counter-reader.js'
import { CounterFile } from '../../supervisor/counter-file.js'
import { WorkerProcess, type WorkerProgram } from '../../supervisor/worker-process.js'
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

/** Runs one worker with `plan` and `rules`, measures a window, and stops it. The worker is the real one. */
export async function spillwayRound(worker: WorkerProgram, plan: Plan, rules: readonly NativeRule[]): Promise<Round> {
  const file = CounterFile.create()
  const counters = new CounterReader()
  let tscHz = 0
  try {
    const process = await startWorker(worker, file, plan, rules, (layout, hz) => {
      counters.beginLife(file, layout)
      tscHz = hz
    })
    await sleep(warmUpMs)
    const before = read(counters)
    await sleep(windowMs)
    const after = read(counters)
    await process.stop(new Promise(() => {}))
    const packets = Number(after.packets - before.packets)
    return {
      packetsPerSecond: (packets / (after.atMs - before.atMs)) * 1000,
      busyCyclesPerPacket: Number(after.busyCycles - before.busyCycles) / packets,
      tscHz,
    }
  } finally {
    counters.endLife()
    file.close()
  }
}

/** Resolves when the rule list is in force and the lcore polls. */
function startWorker(
  program: WorkerProgram,
  file: CounterFile,
  plan: Plan,
  rules: readonly NativeRule[],
  onForwarding: (layout: CounterLayout, tscHz: number) => void,
): Promise<WorkerProcess> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      worker.kill('start_failed', why)
      reject(new SpillwayError('ERR_WORKER', `the worker under test ${why}`))
    }
    let tscHz = 0
    const worker = new WorkerProcess(program, file.fd, (report) => {
      if (report.type === 'started') {
        tscHz = report.info.tscHz
        worker.send({ type: 'rules', id: 1, rules: [...rules] })
      } else if (report.type === 'rulesInForce') {
        onForwarding(report.layout, tscHz)
        resolve(worker)
      } else if (report.type === 'failed' || report.type === 'rulesRefused') fail(report.error.message)
    })
    void worker.ended.then((end) => reject(new SpillwayError('ERR_WORKER', `the worker under test ${end.message}`)))
    worker.send({ type: 'start', plan })
  })
}
