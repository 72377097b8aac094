import type { CounterLayout } from '../ipc/messages.js'
import { CounterBase } from './counter-base.js'
import type { Sample, Snapshot } from './series.js'

/** The first `slots` 64-bit counters of a worker's file, valid until the next call. */
export interface SlotSource {
  read(slots: number): BigUint64Array
}

/**
 * The one reader of a run's counters. It knows the file and layout of the worker that lives, if any, and the
 * base that all before it left. Reading costs one `pread`; neither worker nor lcores notice.
 */
export class CounterReader {
  readonly #base = new CounterBase()
  #life: { readonly file: SlotSource; layout: CounterLayout } | undefined

  get live(): boolean {
    return this.#life !== undefined
  }

  /** A worker has started and said where its counters are. */
  beginLife(file: SlotSource, layout: CounterLayout): void {
    if (this.#life) throw new RangeError('the life before has not ended')
    this.#life = { file, layout }
  }

  /**
   * The worker put another layout in force. Call it before the next rule list is sent: until then nobody
   * writes to the slots that went away and their values are final.
   */
  useLayout(layout: CounterLayout): void {
    if (!this.#life) throw new RangeError('no worker is alive')
    this.#base.foldGeneration(this.#life.layout, layout, readSlots(this.#life.file, this.#life.layout))
    this.#life.layout = layout
  }

  /** The worker is reaped, nobody writes to its file any more. */
  endLife(): void {
    if (!this.#life) return
    this.#base.foldLife(this.#life.layout, readSlots(this.#life.file, this.#life.layout))
    this.#life = undefined
  }

  /** What the living worker itself has counted, without the past: for those who look whether it moves. */
  readWorker(): readonly Sample[] {
    if (!this.#life) return []
    const { file, layout } = this.#life
    return new CounterBase().withLive(layout, readSlots(file, layout))
  }

  takeSnapshot(): Snapshot {
    const atMs = performance.now()
    if (!this.#life) return { atMs, live: false, samples: this.#base.pastOnly() }
    const { file, layout } = this.#life
    return { atMs, live: true, samples: this.#base.withLive(layout, readSlots(file, layout)) }
  }
}

function readSlots(file: SlotSource, { slots }: CounterLayout): BigUint64Array {
  return file.read(slots.reduce((most, { index }) => Math.max(most, index + 1), 0))
}
