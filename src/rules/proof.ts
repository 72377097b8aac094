import type { NativeRule } from '../ipc/messages.js'

/** What a proof looked at, and what the list became. */
export interface Proof {
  readonly rules: number
  /** Expressions, each a program of libpcap's, and the instructions they have together. */
  readonly programs: number
  readonly sourceInsns: number
  /** What they were fused into: for ordinary frames, and for any frame. 0 fast instructions: there is no such program. */
  readonly fastInsns: number
  readonly exactInsns: number
  readonly jit: boolean
  readonly jitBytes: number
  /** The fast form: tables for so many of the shapes of ordinary frames; `partial` ones leave some packets to the programs. */
  readonly tables: {
    readonly shapes: number
    readonly of: number
    readonly partial: number
    /** At most, for one shape. */
    readonly fields: number
    readonly alternatives: number
    readonly bytes: number
    /** What the first shape without tables, or with partial ones, has in its way. */
    readonly obstacle: Obstacle | null
  }
  readonly packets: number
  readonly comparisons: number
  /** Packets of the corpus that are of a shape with tables. */
  readonly byTables: number
  /** Packets of the corpus that each rule took, in the order of the list. */
  readonly hits: readonly number[]
}

export interface Obstacle {
  /** Index in the list; null when it is the rules together. */
  readonly rule: number | null
  readonly shape: string
  readonly reason: string
}

/** Where a packet of a capture file goes. */
export interface ReplayedPacket {
  readonly number: number
  readonly lengthBytes: number
  /** Undefined for a frame that ends within its headers: it is dropped as `truncated`. */
  readonly rule: NativeRule | undefined
}
