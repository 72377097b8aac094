import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../errors.js'
import type { ProgramEnd } from './causes.js'
import { diesWithUs } from './setpriv.js'

/**
 * SIGKILL cannot be ignored, but to give tens of GiB back that a device had pinned takes the kernel seconds. Together
 * with 10 s for the program to end by itself it stays below a pod's default grace period of 30 s.
 */
const REAP_DEADLINE_MS = 15_000

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
    const argv = [...diesWithUs, '--', command, ...args]
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
  async endWithin(ms: number, hurry: Promise<undefined>): Promise<ProgramEnd> {
    const end = await within<ProgramEnd | undefined>(ms, [this.ended, hurry])
    if (end) return end
    this.#child.kill('SIGKILL')
    const killed = await within(REAP_DEADLINE_MS, [this.ended])
    if (killed) return killed
    throw new SpillwayError('ERR_PROGRAM', `program ${this.pid} hangs in the kernel: SIGKILL did not end it`)
  }
}

/** The first of them, or nothing when the time is up. No timer is left, which would keep this process alive. */
async function within<T>(ms: number, awaited: readonly Promise<T>[]): Promise<T | undefined> {
  const inTime = new AbortController()
  const patience = sleep(ms, undefined, { signal: inTime.signal }).catch(() => undefined)
  try {
    return await Promise.race([...awaited, patience])
  } finally {
    inTime.abort()
  }
}

function notStarted(cause: Error): SpillwayError {
  return new SpillwayError('ERR_MISSING_TOOL', `need setpriv to start the program: ${cause.message}`, {
    hint: 'install util-linux',
    cause,
  })
}
