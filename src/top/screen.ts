/** Draws lines over the ones before, without flicker: the cursor goes home, each line clears its own rest. */
export class Screen {
  readonly #out: NodeJS.WriteStream

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
    // The other screen: what was on the terminal is there again afterwards.
    out.write('\x1b[?1049h\x1b[?25l')
  }

  get width(): number {
    return this.#out.columns ?? 80
  }

  draw(lines: readonly string[]): void {
    const visible = lines.slice(0, Math.max(1, (this.#out.rows ?? 24) - 1))
    this.#out.write(`\x1b[H${visible.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`)
  }

  close(): void {
    this.#out.write('\x1b[?25h\x1b[?1049l')
  }
}
