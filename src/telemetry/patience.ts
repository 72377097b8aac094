/** One slow answer is a busy machine, or a device that is just reset. */
const TIMEOUTS_IN_A_ROW = 3
/** Then it is asked again: what was slow need not stay so. */
const AVOIDED_MS = 60_000
/** What everything else, and readiness, hangs on. Without the rest there is only less to show. */
const indispensable: readonly string[] = ['/', '/ethdev/list', '/ethdev/info', '/eal/heap_list', '/mempool/list']

/**
 * Which commands are left alone for a while because a device takes too long to answer them, e.g. its link over a slow
 * channel: a command without an answer costs the whole turn.
 */
export class Patience {
  readonly #now: () => number
  readonly #timeouts = new Map<string, { readonly inARow: number; readonly atMs: number }>()

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Whether the command is left alone at this moment. */
  has(command: string): boolean {
    const { inARow = 0, atMs = 0 } = this.#timeouts.get(command) ?? {}
    return inARow >= TIMEOUTS_IN_A_ROW && this.#now() - atMs < AVOIDED_MS
  }

  /** @returns whether the command is left alone from now on; one that was before is so after one more timeout. */
  timedOut(command: string): boolean {
    if (indispensable.includes(command)) return false
    const inARow = (this.#timeouts.get(command)?.inARow ?? 0) + 1
    this.#timeouts.set(command, { inARow, atMs: this.#now() })
    return this.has(command)
  }

  /** Everything that is not left alone had its answer. */
  answered(): void {
    for (const command of [...this.#timeouts.keys()]) if (!this.has(command)) this.#timeouts.delete(command)
  }

  /** Another program is another matter. */
  forget(): void {
    this.#timeouts.clear()
  }
}
