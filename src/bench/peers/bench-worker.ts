import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../../errors.js'
import type { NativeRule, StartInfo } from '../../ipc/messages.js'
import type { Plan } from '../../plan/types.js'
import { CounterReader } from '../../stats/counter-reader.js'
import { CounterFile } from '../../supervisor/counter-file.js'
import { WorkerProcess, type WorkerProgram } from '../../supervisor/worker-process.js'

/** The real worker without a supervisor: what is measured is the data plane, and its counters are read from the file. */
export interface BenchWorker {
  readonly counters: CounterReader
  readonly info: StartInfo
  readonly pid: number
  stop(): Promise<void>
}

/** Closing a VF takes 0.3 s, on an emulated CPU that others use as well some seconds. */
const stopPatienceMs = 20_000

/** Resolves when the rule list is in force and the lcore polls. */
export async function startBenchWorker(
  program: WorkerProgram,
  plan: Plan,
  rulesFor: (info: StartInfo) => readonly NativeRule[],
): Promise<BenchWorker> {
  const file = CounterFile.create()
  const counters = new CounterReader()
  try {
    const { worker, info } = await start(program, plan, rulesFor, file, counters)
    return {
      counters,
      info,
      pid: worker.pid ?? 0,
      stop: async () => {
        worker.send({ type: 'stop' })
        await Promise.race([worker.ended, sleep(stopPatienceMs, undefined, { ref: false })])
        worker.kill('exited', 'did not stop in time and was killed')
        await worker.ended
        counters.endLife()
        file.close()
      },
    }
  } catch (error) {
    counters.endLife()
    file.close()
    throw error
  }
}

function start(
  program: WorkerProgram,
  plan: Plan,
  rulesFor: (info: StartInfo) => readonly NativeRule[],
  file: CounterFile,
  counters: CounterReader,
): Promise<{ worker: WorkerProcess; info: StartInfo }> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      worker.kill('start_failed', why)
      reject(new SpillwayError('ERR_WORKER', `the worker under test ${why}`))
    }
    let info: StartInfo | undefined
    const worker = new WorkerProcess(program, file.fd, (report) => {
      if (report.type === 'started') {
        info = report.info
        worker.send({ type: 'rules', id: 1, rules: [...rulesFor(info)] })
      } else if (report.type === 'rulesInForce' && info !== undefined) {
        counters.beginLife(file, report.layout)
        resolve({ worker, info })
      } else if (report.type === 'failed' || report.type === 'rulesRefused') fail(report.error.message)
    })
    void worker.ended.then((end) => reject(new SpillwayError('ERR_WORKER', `the worker under test ${end.message}`)))
    worker.send({ type: 'start', plan })
  })
}
