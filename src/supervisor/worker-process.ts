import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../errors.js'
import { type WorkerReport, type WorkerRequest, workerReport } from '../ipc/messages.js'
import { causeOfExit, type RestartCause } from './causes.js'
import {
  DRAIN_DEADLINE_MS,
  EXIT_AFTER_STOPPED_MS,
  HANG_UP_GRACE_MS,
  KILL_DEADLINE_MS,
  STOP_DEADLINE_MS,
} from './deadlines.js'
import { isExiting } from './exiting.js'
import { splitLines } from './line-splitter.js'
import { WorkerLog } from './worker-log.js'

/** How the worker is started: program, arguments and the whole environment. Descriptor 4 is the counter file. */
export interface WorkerProgram {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** How a worker's life ended. By then its pid is reaped and nobody writes to its counter file. */
export interface WorkerEnd {
  readonly cause: RestartCause
  /** One sentence for people. */
  readonly message: string
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly crashLines: readonly string[]
  readonly recentLines: readonly string[]
}

interface Blame {
  readonly cause: RestartCause
  readonly message: string
}

/** One life of the worker: from spawn to the moment its pid is reaped. */
export class WorkerProcess {
  readonly pid: number | undefined
  readonly ended: Promise<WorkerEnd>
  readonly #child: ChildProcess
  readonly #log: WorkerLog
  #blame: Blame | undefined
  #forwarding = false
  #alive = true
  #saidStopped: (() => void) | undefined

  /**
   * @param counters  the descriptor of the counter file
   * @param onReport  gets every valid message except `stopped`; one that is not valid ends the worker
   */
  constructor(program: WorkerProgram, counters: number, onReport: (report: WorkerReport) => void) {
    // stdout is nobody's: on a bad option EAL prints its whole usage there.
    this.#child = spawn(program.command, program.args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', counters],
      serialization: 'advanced',
      env: program.env,
    })
    this.pid = this.#child.pid
    this.#log = new WorkerLog(this.pid)
    this.ended = this.#watchEnd(this.#child)
    this.#child.on('message', (message) => this.#receive(message, onReport))
    this.#child.on('disconnect', () => void this.#hungUp())
  }

  /** From here on an exit is not a failed start any more. */
  markForwarding(): void {
    this.#forwarding = true
  }

  /** Errors of the channel are not the caller's: a worker that cannot be reached ends, and `ended` says so. */
  send(request: WorkerRequest): void {
    if (this.#child.connected) this.#child.send(request, () => {})
  }

  /** Why this worker ends, when the exit alone would not say it. The first blame stays. */
  blame(cause: RestartCause, message: string): void {
    if (this.#alive) this.#blame ??= { cause, message }
  }

  /** Ends the worker at once and says why. */
  kill(cause: RestartCause, message: string): void {
    this.blame(cause, message)
    if (this.#alive) this.#child.kill('SIGKILL')
  }

  /** Ask, wait, kill. `hurry` resolves when somebody lost patience. */
  async stop(hurry: Promise<unknown>): Promise<WorkerEnd> {
    const stopped = new Promise<void>((resolve) => {
      this.#saidStopped = resolve
    })
    this.send({ type: 'stop' })
    const given = { ref: false }
    await Promise.race([
      this.ended,
      hurry,
      sleep(STOP_DEADLINE_MS, undefined, given),
      stopped.then(() => sleep(EXIT_AFTER_STOPPED_MS, undefined, given)),
    ])
    this.kill('exited', 'did not stop in time and was killed')
    const end = await Promise.race([this.ended, sleep(KILL_DEADLINE_MS)])
    if (end) return end
    // Killed, and the kernel has much to take down: it does that without us.
    if (this.pid !== undefined && isExiting(this.pid)) return this.#endWithoutWord()
    throw new SpillwayError('ERR_WORKER', `worker ${this.pid} hangs in the kernel: SIGKILL did not end it`)
  }

  #receive(message: unknown, onReport: (report: WorkerReport) => void): void {
    const report = workerReport.safeParse(message)
    if (!report.success) {
      const [issue] = report.error.issues
      this.kill('protocol', `sent a malformed message: ${issue?.path.join('.')}: ${issue?.message}`)
    } else if (report.data.type === 'stopped') this.#saidStopped?.()
    else onReport(report.data)
  }

  #endWithoutWord(): WorkerEnd {
    const message = 'was killed and is still being taken down'
    return { cause: 'exited', message, exitCode: null, signal: 'SIGKILL', crashLines: [], recentLines: [] }
  }

  async #hungUp(): Promise<void> {
    await Promise.race([this.ended, sleep(HANG_UP_GRACE_MS, undefined, { ref: false })])
    if (this.#saidStopped || (this.pid !== undefined && isExiting(this.pid))) return
    this.kill('protocol', 'closed the channel and lived on')
  }

  #watchEnd(child: ChildProcess): Promise<WorkerEnd> {
    const stderr = child.stderr as Readable
    splitLines(stderr, (line) => this.#log.take(line))
    const drained = Promise.all([
      new Promise((resolve) => stderr.once('close', resolve)),
      new Promise((resolve) => child.once('disconnect', resolve)),
    ])
    const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
      child.on('error', (error) => {
        if (child.pid !== undefined) return
        this.#blame = { cause: 'start_failed', message: `could not be started: ${error.message}` }
        resolve({ code: null, signal: null })
      })
    })
    return exited.then(async ({ code, signal }) => {
      this.#alive = false
      await Promise.race([drained, sleep(DRAIN_DEADLINE_MS)])
      return this.#describeEnd(code, signal)
    })
  }

  #describeEnd(exitCode: number | null, signal: NodeJS.Signals | null): WorkerEnd {
    const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`
    const { cause, message } = this.#blame ?? {
      cause: causeOfExit(signal, this.#forwarding),
      message: `ended with ${how}`,
    }
    const { crashLines, recentLines } = this.#log
    return { cause, message, exitCode, signal, crashLines, recentLines }
  }
}
