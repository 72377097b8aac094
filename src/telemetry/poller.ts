import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '../log.js'
import { type Greeting, readGreeting } from './answers.js'
import { Collector, ConnectionLost } from './collect.js'
import { findSockets } from './find-sockets.js'
import type { Reading } from './reading.js'
import type { Relay } from './relay.js'

const log = createLogger({ component: 'telemetry' })

/** How often a program is asked. It answers on a thread of its own, not on an lcore. */
export const POLL_INTERVAL_MS = 1_000
/** A socket that is not there yet is looked for more often: EAL is up within a second. */
const SEARCH_INTERVAL_MS = 200

export interface TelemetryView {
  /** Whether the last turn had its answers. */
  readonly up: boolean
  /** Of the last turn that had them; it stays while there is no connection. */
  readonly reading: Reading | null
  readonly failures: number
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
  /** What a device takes too long to answer, e.g. its link over a slow channel: not asked again. */
  readonly #avoided = new Set<string>()
  #collector: Collector | undefined
  #up = false
  #reading: Reading | null = null
  #failures = 0
  #pausedUntilMs = 0
  #turn: Promise<void> = Promise.resolve()
  #running: Promise<void> = Promise.resolve()

  constructor({ relay, runtimeFolder, intervalMs = POLL_INTERVAL_MS }: PollerOptions) {
    this.#relay = relay
    this.#runtimeFolder = runtimeFolder
    this.#intervalMs = intervalMs
  }

  get view(): TelemetryView {
    return { up: this.#up, reading: this.#reading, failures: this.#failures }
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#relay.stop()
    await this.#running
  }

  /**
   * Asks nothing for that long; resolves when no question is open. For a program that will be asked to end: while EAL
   * cleans up, its telemetry thread crashes over questions.
   */
  async pause(forMs = Number.POSITIVE_INFINITY): Promise<void> {
    this.#pausedUntilMs = performance.now() + forMs
    await this.#turn
  }

  /** The program is gone: what it said stays, its connection does not. */
  forget(): void {
    this.#collector = undefined
    this.#up = false
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      if (performance.now() >= this.#pausedUntilMs) {
        this.#turn = this.#takeTurn()
        await this.#turn
      }
      const pause = this.#collector === undefined ? Math.min(SEARCH_INTERVAL_MS, this.#intervalMs) : this.#intervalMs
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
    this.#up = false
  }

  async #takeTurn(): Promise<void> {
    try {
      this.#collector ??= await this.#connect()
      const collector = this.#collector
      if (collector === undefined) return
      const reading = await collector.collect()
      // The program ended, and perhaps another one started, while this one was read.
      if (this.#collector !== collector) return
      this.#reading = reading
      this.#up = true
    } catch (error) {
      this.#lose(error)
    }
  }

  #lose(error: unknown): void {
    if (!(error instanceof ConnectionLost)) throw error
    const { reason, path, message } = error
    if (reason === 'ETIMEDOUT' && path !== '/') this.#avoided.add(path)
    if (this.#up && !this.#stop.signal.aborted) log.warn({ reason: message }, 'telemetry of the program is lost')
    this.#failures += this.#up ? 1 : 0
    this.#collector = undefined
    this.#up = false
  }

  /** A program can have several sockets in its folder, of processes it started and of those that died. */
  async #connect(): Promise<Collector | undefined> {
    for (const path of findSockets(this.#runtimeFolder)) {
      const greeting = await this.#greet(path)
      if (greeting === null) continue
      log.info({ path, version: greeting.version, pid: greeting.pid }, 'telemetry of the program answers')
      return Collector.begin(this.#relay, greeting, this.#avoided)
    }
    return undefined
  }

  async #greet(path: string): Promise<Greeting | null> {
    const answer = await this.#relay.connect(path)
    return answer.kind === 'text' ? readGreeting(answer.text) : null
  }
}
