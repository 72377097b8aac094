import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CHILD_KILL_DEADLINE_MS } from './probes/deadlines.js'
import { type ProbeReport, type ProbeRequest, probeReport } from './probes/messages.js'

/** How a probe child is started. */
export interface ProbeProgram {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** How a child's life ended. */
export interface ProbeEnd {
  readonly signal: string | null
  readonly exitCode: number | null
  /** The last it wrote to stderr. */
  readonly stderr: string
}

/** What came first: a report, the end, or the deadline. */
export type ProbeNews =
  | { readonly type: 'report'; readonly report: ProbeReport }
  | { readonly type: 'malformed'; readonly problem: string }
  | { readonly type: 'ended'; readonly end: ProbeEnd }
  | { readonly type: 'late' }

const STDERR_KEPT = 2_000

/** One life of the probe child. */
export class ProbeProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<ProbeEnd>
  readonly #firstWord: Promise<ProbeNews>
  #stderr = ''

  constructor(program: ProbeProgram) {
    this.#child = spawn(program.command, program.args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      env: program.env,
    })
    const stderr = this.#child.stderr as Readable
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT)
    })
    this.#ended = this.#watchEnd()
    this.#firstWord = this.#message()
  }

  /**
   * Waits for its first word, from now on and not from its start: what its parent did meanwhile took as long on this
   * machine, and a busy parent hears nobody.
   */
  ready(deadlineMs: number): Promise<ProbeNews> {
    return this.#within(deadlineMs, this.#firstWord)
  }

  #message(): Promise<ProbeNews> {
    return new Promise((resolve) => {
      this.#child.once('message', (value) => resolve(newsOf(value)))
    })
  }

  /** A child that is late or talks nonsense is to be killed by the caller. */
  async #within(deadlineMs: number, message: Promise<ProbeNews>): Promise<ProbeNews> {
    const late = new AbortController()
    try {
      return await Promise.race([
        message,
        this.#ended.then((end): ProbeNews => ({ type: 'ended', end })),
        sleep(deadlineMs, { type: 'late' } as const, { signal: late.signal }),
      ])
    } finally {
      late.abort()
      this.#child.removeAllListeners('message')
    }
  }

  /** The answer to this request, and to no earlier one: requests go out one at a time. */
  ask(request: ProbeRequest, deadlineMs: number): Promise<ProbeNews> {
    const news = this.#within(deadlineMs, this.#message())
    // A child that is gone cannot be written to; its end is the news.
    if (this.#child.connected) this.#child.send(request, () => {})
    return news
  }

  /** Resolves when the child is reaped, so that nothing it held is held any more. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    const given = new AbortController()
    await Promise.race([
      this.#ended,
      sleep(CHILD_KILL_DEADLINE_MS, undefined, { signal: given.signal }).catch(() => {}),
    ])
    given.abort()
  }

  #watchEnd(): Promise<ProbeEnd> {
    return new Promise((resolve) => {
      this.#child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stderr: this.#stderr.trim() }))
      this.#child.on('error', (error) => {
        if (this.#child.pid === undefined) resolve({ exitCode: null, signal: null, stderr: error.message })
      })
    })
  }
}

function newsOf(message: unknown): ProbeNews {
  const report = probeReport.safeParse(message)
  if (report.success) return { type: 'report', report: report.data }
  const [issue] = report.error.issues
  return { type: 'malformed', problem: `${issue?.path.join('.')}: ${issue?.message}` }
}
