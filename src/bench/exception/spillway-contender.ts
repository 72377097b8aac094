import type { Plan } from '../../plan/types.js'
import { composeRules } from '../../rules/compose.js'
import type { CounterReader } from '../../stats/counter-reader.js'
import type { WorkerProgram } from '../../supervisor/worker-process.js'
import { startBenchWorker } from '../peers/bench-worker.js'
import type { Contender, Work } from './contender.js'

/** Spillway's worker with the rules that `run` would put in force: the built-ins and `local` with the tap's addresses. */
export function spillway(name: string, program: WorkerProgram, plan: Plan, onlyRtt = false): Contender {
  return {
    name,
    onlyRtt,
    start: async () => {
      const { counters, stop } = await startBenchWorker(program, plan, ({ addresses }) => composeRules(plan, addresses))
      return {
        during: async (drive) => {
          const before = read(counters)
          await drive()
          const after = read(counters)
          return {
            lcoreCycles: after.lcoreCycles - before.lcoreCycles,
            threadCycles: after.threadCycles - before.threadCycles,
          }
        },
        stop,
      }
    },
  }
}

function read(counters: CounterReader): Work {
  const { samples } = counters.takeSnapshot()
  const sum = (name: string): number =>
    samples.reduce((total, sample) => (sample.name === name ? total + Number(sample.value) : total), 0)
  return { lcoreCycles: sum('lcore_busy_cycles'), threadCycles: sum('exception_busy_cycles') }
}
