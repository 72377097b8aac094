/** Keeps the last lines, bounded in number and in size. */
export class LineRing {
  readonly #limit: { readonly lines: number; readonly bytes: number }
  readonly #lines: string[] = []
  #bytes = 0

  constructor(limit: { readonly lines: number; readonly bytes: number }) {
    this.#limit = limit
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  push(line: string): void {
    this.#lines.push(line)
    this.#bytes += line.length
    while (this.#lines.length > this.#limit.lines || this.#bytes > this.#limit.bytes) {
      this.#bytes -= this.#lines.shift()?.length ?? 0
    }
  }
}
