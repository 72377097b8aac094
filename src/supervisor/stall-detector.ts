/**
 * Finds a loop that stands still. Time is what passed between looks, each look counting for at most `maxStepMs`:
 * after the whole machine was paused everybody stood still, and nobody is to blame.
 */
export class StallDetector {
  readonly #stallMs: number
  readonly #maxStepMs: number
  readonly #loops = new Map<string, { polls: bigint; standsMs: number }>()
  #lookedAtMs: number | undefined

  constructor({ stallMs, maxStepMs }: { readonly stallMs: number; readonly maxStepMs: number }) {
    this.#stallMs = stallMs
    this.#maxStepMs = maxStepMs
  }

  /**
   * @param polls  turns of each loop, by its name
   * @returns the loops that made no turn for the time allowed
   */
  look(nowMs: number, polls: ReadonlyMap<string, bigint>): string[] {
    const stepMs = Math.min(this.#maxStepMs, nowMs - (this.#lookedAtMs ?? nowMs))
    this.#lookedAtMs = nowMs
    for (const [name, turns] of polls) {
      const loop = this.#loops.get(name)
      if (loop?.polls === turns) loop.standsMs += stepMs
      else this.#loops.set(name, { polls: turns, standsMs: 0 })
    }
    return [...polls.keys()].filter((name) => (this.#loops.get(name)?.standsMs ?? 0) >= this.#stallMs)
  }
}
