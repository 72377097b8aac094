import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../errors.js'
import { KILL_DEADLINE_MS } from '../supervisor/deadlines.js'
import type { ProgramEnd } from './causes.js'

/** The program as it is started: found, its placeholders filled in, with its whole environment. */
export interface ProgramSpec {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/**
 * One life of the program. It has our terminal: stdin, stdout and stderr are its own, and it stays in our process
 * group, so that it may read from the terminal and gets what is typed there.
 */
export class ProgramProcess {
  readonly pid: number | undefined
  readonly ended: Promise<ProgramEnd>
  readonly #child: ChildProcess

  constructor({ command, args, env }: ProgramSpec) {
    // Nobody would stop its lcores when we are killed.
    const argv = ['--pdeathsig', 'SIGKILL', '--', command, ...args]
    this.#child = spawn('setpriv', argv, { stdio: 'inherit', env })
    this.pid = this.#child.pid
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
      this.#child.once('error', (cause) => {
        if (this.pid === undefined) reject(notStarted(cause))
      })
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Waits until it ended by itself or the time is up, which `hurry` can shorten, and then ends it. */
  async endWithin(ms: number, hurry: Promise<unknown>): Promise<ProgramEnd> {
    const inTime = new AbortController()
    const patience = sleep(ms, undefined, { signal: inTime.signal, ref: false }).catch(() => {})
    await Promise.race([this.ended, patience, hurry])
    inTime.abort()
    this.#child.kill('SIGKILL')
    const end = await Promise.race([this.ended, sleep(KILL_DEADLINE_MS)])
    if (end) return end
    throw new SpillwayError('ERR_PROGRAM', `program ${this.pid} hangs in the kernel: SIGKILL did not end it`)
  }
}

function notStarted(cause: Error): SpillwayError {
  return new SpillwayError('ERR_MISSING_TOOL', `setpriv is needed to start the program: ${cause.message}`, {
    hint: 'install util-linux',
    cause,
  })
}
