import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '../log.js'
import { readGreeting } from './answers.js'
import { Collector, ConnectionLost } from './collect.js'
import { findSockets } from './find-sockets.js'
import { Patience } from './patience.js'
import type { Reading } from './reading.js'
import { RELAY_GONE, type Relay, SILENCED } from './relay.js'

const log = createLogger({ component: 'telemetry' })

/** How often a program is asked. It answers on a thread of its own, not on an lcore. */
export const POLL_INTERVAL_MS = 1_000
/** A socket that is not there yet is looked for more often: EAL is up within a second. */
const SEARCH_INTERVAL_MS = 200
/** A relay that dies at once, because memory is short for example, is not started five times a second for ever. */
const RELAY_BACKOFF_MAX_MS = 30_000

export interface TelemetryView {
  /** Whether the last turn had its answers. */
  readonly up: boolean
  /** Of the last turn that had them; it stays while there is no connection. */
  readonly reading: Reading | null
  readonly failures: number
  /** Why there is no answer; null while there is one. */
  readonly problem: string | null
}

export interface PollerOptions {
  readonly relay: Relay
  /** Where the program keeps its runtime files. */
  readonly runtimeFolder: string
  readonly intervalMs?: number
}

/**
 * Asks the program for its numbers, turn after turn, off the scrape path. It follows the program: connects when there
 * is a socket, and again after the program was replaced.
 */
export class TelemetryPoller {
  readonly #relay: Relay
  readonly #runtimeFolder: string
  readonly #intervalMs: number
  readonly #stop = new AbortController()
  readonly #patience = new Patience()
  /** Reasons that the log has. */
  readonly #told = new Set<string>()
  #collector: Collector | undefined
  #up = false
  #reading: Reading | null = null
  #failures = 0
  #problem: string | null = 'it was not asked yet'
  #relayDeaths = 0
  #running: Promise<void> = Promise.resolve()

  constructor({ relay, runtimeFolder, intervalMs = POLL_INTERVAL_MS }: PollerOptions) {
    this.#relay = relay
    this.#runtimeFolder = runtimeFolder
    this.#intervalMs = intervalMs
  }

  get view(): TelemetryView {
    return { up: this.#up, reading: this.#reading, failures: this.#failures, problem: this.#problem }
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    // The turn that is under way shall not start another relay.
    void this.pause()
    await this.#relay.stop()
    await this.#running
  }

  /**
   * Asks nothing for that long; resolves when no question is open. For a program that will be asked to end: while EAL
   * cleans up, its telemetry thread crashes over questions.
   */
  pause(forMs = Number.POSITIVE_INFINITY): Promise<void> {
    return this.#relay.silence(forMs)
  }

  /** The program is gone: what it said stays, its connection does not, nor what was learnt about it. */
  forget(): void {
    this.#collector = undefined
    this.#up = false
    this.#problem = 'it was not asked yet'
    this.#patience.forget()
    this.#told.clear()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      if (!this.#relay.silent) await this.#takeTurn()
      const pauseMs = nextTurnMs(this.#collector !== undefined, this.#relayDeaths, this.#intervalMs)
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
    this.#up = false
  }

  async #takeTurn(): Promise<void> {
    try {
      this.#collector ??= await this.#connect()
      const collector = this.#collector
      const reading = await collector.collect()
      // The program ended, and perhaps another one started, while this one was read.
      if (this.#collector === collector) this.#succeed(reading)
    } catch (error) {
      this.#fail(error)
    }
  }

  #succeed(reading: Reading): void {
    this.#reading = reading
    this.#up = true
    this.#problem = null
    this.#relayDeaths = 0
    this.#patience.answered()
    this.#told.clear()
  }

  /** Whatever it was: telemetry is not worth the end of the program. */
  #fail(error: unknown): void {
    const known = error instanceof ConnectionLost || error instanceof NoConnection
    if (known && error.reason === SILENCED) return
    if (this.#up || !known) this.#failures += 1
    this.#relayDeaths = known && error.reason === RELAY_GONE ? this.#relayDeaths + 1 : 0
    this.#problem = error instanceof Error ? error.message : String(error)
    this.#collector = undefined
    this.#up = false
    if (!this.#stop.signal.aborted) this.#tell(error, this.#problem)
  }

  #tell(error: unknown, message: string): void {
    if (error instanceof ConnectionLost && error.reason === 'ETIMEDOUT' && this.#patience.timedOut(error.path)) {
      log.warn({ command: error.path }, 'a telemetry command takes too long and is left alone for a minute')
    }
    const known = error instanceof ConnectionLost || error instanceof NoConnection
    const reason = known ? error.reason : message
    if (this.#told.has(reason)) return
    this.#told.add(reason)
    if (!known) log.error({ err: error }, 'unexpected error of telemetry')
    // A program that has just been started has none yet.
    else log[reason === 'ENOENT' ? 'info' : 'warn']({ reason: message }, 'telemetry of the program does not answer')
  }

  /** A program can have several sockets in its folder, of processes it started and of those that died. */
  async #connect(): Promise<Collector> {
    let why = new NoConnection('ENOENT', `no telemetry socket below ${this.#runtimeFolder}/dpdk`)
    for (const path of findSockets(this.#runtimeFolder)) {
      const answer = await this.#relay.connect(path)
      const greeting = answer.kind === 'text' ? readGreeting(answer.text) : null
      if (greeting !== null) {
        log.info({ path, version: greeting.version, pid: greeting.pid }, 'telemetry of the program answers')
        return Collector.begin(this.#relay, greeting, this.#patience)
      }
      why =
        answer.kind === 'failed' ? refused(path, answer) : new NoConnection('EPROTO', `${path}: no DPDK greets there`)
    }
    throw why
  }
}

/** There is nobody to ask. */
class NoConnection extends Error {
  override readonly name = 'NoConnection'
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message)
  }
}

function refused(path: string, { reason, message }: { readonly reason: string; readonly message: string }) {
  return new NoConnection(reason, `${path}: ${reason} ${message}`)
}

/** @param relayDeaths  in a row */
export function nextTurnMs(connected: boolean, relayDeaths: number, intervalMs: number): number {
  if (connected) return intervalMs
  const searchMs = Math.min(SEARCH_INTERVAL_MS, intervalMs)
  return Math.min(searchMs * 2 ** relayDeaths, RELAY_BACKOFF_MAX_MS)
}
