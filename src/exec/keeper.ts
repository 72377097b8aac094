import { setImmediate as loopTurn, setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../errors.js'
import { createLogger } from '../log.js'
import { afterDeath, type RestartSettings } from '../supervisor/restart-policy.js'
import type { SupervisorState } from '../supervisor/state.js'
import { causeOf, describeEnd, type ProgramCause, type ProgramEnd, programCauses } from './causes.js'
import { exitCodeOfProgram } from './exit-code.js'
import { ProgramProcess, type ProgramSpec } from './program-process.js'

const log = createLogger({ component: 'exec' })

/** A program that ends at Ctrl-C has ended by then; one that did not has taken it for something else. */
export const INTERRUPT_MS = 5_000

export interface KeeperOptions {
  readonly program: ProgramSpec
  readonly restart: RestartSettings
  /** How long the program may take to end when it was asked to. */
  readonly stopMs: number
  /** Called before the program is asked to end, which waits for it unless it is asked again. */
  readonly beforeStop?: () => Promise<void>
  /** Called when the terminal has sent the program what may be its end. */
  readonly onInterrupt?: () => void
  /** Called when a program is reaped, before the next one starts; `signal` tells when there is none any more. */
  readonly afterEach?: (signal: AbortSignal) => Promise<void>
  readonly now?: () => number
}

/** What there is to know about the program at this moment. */
export interface KeeperView {
  readonly state: SupervisorState
  readonly program: string
  readonly args: readonly string[]
  readonly pid: number | null
  readonly startedAtMs: number
  readonly programStartedAtMs: number | null
  readonly restarts: Readonly<Record<ProgramCause, number>>
  readonly lastDeath: { readonly at: Date; readonly cause: ProgramCause; readonly message: string } | null
}

/** Runs the program, again when it fails, until it succeeds, somebody asks for its end, or there is no point any more. */
export class ProgramKeeper {
  readonly #options: KeeperOptions
  readonly #now: () => number
  readonly #startedAtMs: number
  readonly #restarts = Object.fromEntries(Object.keys(programCauses).map((cause) => [cause, 0])) as Record<
    ProgramCause,
    number
  >
  readonly #stop = new AbortController()
  readonly #hurry = new AbortController()
  #state: SupervisorState = 'idle'
  #program: ProgramProcess | undefined
  #programStartedAtMs: number | null = null
  #asked: NodeJS.Signals | null = null
  #interruptedAtMs = Number.NEGATIVE_INFINITY
  #lastDeath: KeeperView['lastDeath'] = null

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.#startedAtMs = this.#now()
  }

  /**
   * @returns the exit code of it all.
   * @throws SpillwayError `ERR_PROGRAM_GAVE_UP` after too many failures in a row.
   */
  async run(): Promise<number> {
    try {
      for (let inARow = 0; ; ) {
        // A signal that came while this process was busy is still to be heard; the program would never get it.
        await loopTurn()
        if (this.#stop.signal.aborted) return 0
        const { end, livedMs } = await this.#liveOnce()
        if (this.#isLast(end)) return exitCodeOfProgram(end, this.#asked ?? 'SIGINT')
        this.#recordDeath(end)
        const decision = afterDeath(this.#options.restart, inARow, livedMs)
        inARow = decision.inARow
        if (decision.action === 'giveUp') throw gaveUp(inARow, end)
        await this.#backOff(decision.delayMs)
      }
    } finally {
      this.#state = 'stopped'
    }
  }

  /** Passes the signal on and waits for the program's end; asked again, it kills it. */
  stop(signal: NodeJS.Signals): void {
    if (this.#stop.signal.aborted) this.#hurry.abort()
    this.#asked ??= signal
    this.#stop.abort()
  }

  /** For signals that ask for something else than an end. */
  forward(signal: NodeJS.Signals): void {
    this.#program?.signal(signal)
  }

  /**
   * Ctrl-C: the terminal has told the program too. Whether it ends, or takes it as the end of a line, is its own
   * matter; when it ends after it, it was asked to.
   */
  interrupt(): void {
    if (this.#program === undefined) this.#stop.abort()
    this.#interruptedAtMs = this.#now()
    this.#options.onInterrupt?.()
  }

  get view(): KeeperView {
    const { command, args } = this.#options.program
    return {
      state: this.#state,
      program: command,
      args,
      pid: this.#program?.pid ?? null,
      startedAtMs: this.#startedAtMs,
      programStartedAtMs: this.#programStartedAtMs,
      restarts: this.#restarts,
      lastDeath: this.#lastDeath,
    }
  }

  #isLast({ exitCode }: ProgramEnd): boolean {
    const interrupted = this.#now() - this.#interruptedAtMs < INTERRUPT_MS
    return this.#stop.signal.aborted || interrupted || exitCode === 0
  }

  async #liveOnce(): Promise<{ end: ProgramEnd; livedMs: number }> {
    const startedAtMs = this.#now()
    const program = new ProgramProcess(this.#options.program)
    this.#program = program
    this.#programStartedAtMs = startedAtMs
    this.#state = 'running'
    log.info({ pid: program.pid }, 'program started')
    try {
      const end = await this.#watch(program)
      log.info({ pid: program.pid, ...end }, 'program ended')
      return { end, livedMs: this.#now() - startedAtMs }
    } finally {
      this.#program = undefined
      this.#programStartedAtMs = null
      await this.#options.afterEach?.(this.#stop.signal)
    }
  }

  async #watch(program: ProgramProcess): Promise<ProgramEnd> {
    const end = await Promise.race([program.ended, aborted(this.#stop.signal)])
    if (end) return end
    this.#state = 'stopping'
    const hurry = aborted(this.#hurry.signal)
    await Promise.race([this.#options.beforeStop?.(), hurry])
    if (this.#asked !== null) program.signal(this.#asked)
    return program.endWithin(this.#options.stopMs, hurry)
  }

  #recordDeath(end: ProgramEnd): void {
    const cause = causeOf(end)
    const message = describeEnd(end)
    this.#restarts[cause] += 1
    this.#lastDeath = { at: new Date(), cause, message }
    log.error({ cause, ...end }, 'program failed')
  }

  async #backOff(delayMs: number): Promise<void> {
    this.#state = 'waiting'
    log.info({ delayMs }, 'program starts again after the back-off')
    await sleep(delayMs, undefined, { signal: this.#stop.signal }).catch(() => {})
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}

function gaveUp(inARow: number, end: ProgramEnd): SpillwayError {
  return new SpillwayError(
    'ERR_PROGRAM_GAVE_UP',
    `the program failed ${inARow} times in a row; the last time it ${describeEnd(end)}`,
    { hint: 'what it wrote before is its own account; restart.maxFailures decides how often is too often' },
  )
}
