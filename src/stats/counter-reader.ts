import type { CounterLayout } from '../ipc/messages.js'
import { CounterBase } from './counter-base.js'
import { packetsLostWith } from './lost-packets.js'
import type { Sample, Snapshot } from './series.js'

/** Slots from `first` to before `end`. */
export interface SlotRange {
  readonly first: number
  readonly end: number
}

/** A worker's file. */
export interface SlotSource {
  /** An array in which at least these slots have their values, valid until the next call. */
  read(ranges: readonly SlotRange[]): BigUint64Array
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
    this.#base.forgetGoneRules(layout)
  }

  /**
   * The worker put another layout in force. Call it before the next rule list is sent: until then nobody
   * writes to the slots that went away and their values are final.
   */
  useLayout(layout: CounterLayout): void {
    if (!this.#life) throw new RangeError('no worker is alive')
    this.#base.foldGeneration(this.#life.layout, layout, readSlots(this.#life.file, this.#life.layout))
    this.#life.layout = layout
    this.#base.forgetGoneRules(layout)
  }

  /** The worker is reaped, nobody writes to its file any more. */
  endLife(): void {
    if (!this.#life) return
    const lost = packetsLostWith(this.readWorker())
    this.#base.foldLife(this.#life.layout, readSlots(this.#life.file, this.#life.layout))
    for (const sample of lost) this.#base.add(sample)
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

/** One `pread` more costs as much as reading so many slots that nobody asked for. */
const WORTH_A_GAP = 2048
const rangesByLayout = new WeakMap<CounterLayout, SlotRange[]>()

function readSlots(file: SlotSource, layout: CounterLayout): BigUint64Array {
  let ranges = rangesByLayout.get(layout)
  if (!ranges) {
    ranges = rangesOf(layout)
    rangesByLayout.set(layout, ranges)
  }
  return file.read(ranges)
}

/** Rule counters are far behind the others, in one of two banks: the empty half of the file need not be read. */
export function rangesOf({ slots }: CounterLayout): SlotRange[] {
  const ranges: { first: number; end: number }[] = []
  for (const index of slots.map((slot) => slot.index).sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && index - last.end < WORTH_A_GAP) last.end = Math.max(last.end, index + 1)
    else ranges.push({ first: index, end: index + 1 })
  }
  return ranges
}
