import { computeRates, type Rates } from './rates.js'
import type { Snapshot } from './series.js'

/** Takes a snapshot every interval and keeps the last two: everybody who asks for rates gets the same ones. */
export class RateSampler {
  readonly #takeSnapshot: () => Snapshot
  readonly #timer: NodeJS.Timeout
  #before: Snapshot
  #after: Snapshot
  #rates: Rates | undefined

  constructor(takeSnapshot: () => Snapshot, intervalMs: number) {
    this.#takeSnapshot = takeSnapshot
    this.#before = takeSnapshot()
    this.#after = this.#before
    this.#timer = setInterval(() => this.#sample(), intervalMs).unref()
  }

  /** Of the last whole interval; all zero before the first has passed. */
  get rates(): Rates {
    this.#rates ??= computeRates(this.#before, this.#after)
    return this.#rates
  }

  /** Whether one and the same worker lived through the whole interval. */
  get wholeInterval(): boolean {
    return this.#before !== this.#after && this.#before.live && this.#after.live
  }

  /** A worker started or ended: nothing before is comparable with what comes. */
  restart(): void {
    this.#after = this.#takeSnapshot()
    this.#before = this.#after
    this.#rates = undefined
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #sample(): void {
    this.#before = this.#after
    this.#after = this.#takeSnapshot()
    this.#rates = undefined
  }
}
