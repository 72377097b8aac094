/** What ends a line that was cut. */
const ellipsis = '…'

/** How much a ring keeps; `lineBytes` is well below `bytes`, so that one line cannot displace all others. */
export interface RingLimit {
  readonly lines: number
  readonly bytes: number
  readonly lineBytes: number
}

/** Keeps the last lines, bounded in number and in size; a line that is too long loses its end. */
export class LineRing {
  readonly #limit: RingLimit
  readonly #lines: string[] = []
  #bytes = 0

  constructor(limit: RingLimit) {
    this.#limit = limit
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  push(line: string): void {
    const kept = cut(line, this.#limit.lineBytes)
    this.#lines.push(kept)
    this.#bytes += Buffer.byteLength(kept)
    while (this.#lines.length > this.#limit.lines || this.#bytes > this.#limit.bytes) {
      this.#bytes -= Buffer.byteLength(this.#lines.shift() ?? '')
    }
  }
}

function cut(line: string, bytes: number): string {
  if (Buffer.byteLength(line) <= bytes) return line
  const room = Buffer.alloc(bytes - Buffer.byteLength(ellipsis))
  // `write` takes whole characters only.
  return room.toString('utf8', 0, room.write(line)) + ellipsis
}
