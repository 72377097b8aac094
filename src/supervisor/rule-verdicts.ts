import type { NativeRule } from '../ipc/messages.js'
import { mostGoneRules } from '../stats/gone-rules.js'

/** What rules did, by name: of those in force and of as many that are gone as still have series. */
export class RuleVerdicts {
  readonly #verdicts = new Map<string, NativeRule['verdict']>()

  of(rule: string): string {
    return this.#verdicts.get(rule) ?? 'unknown'
  }

  remember(inForce: readonly NativeRule[]): void {
    for (const { name, verdict } of inForce) {
      this.#verdicts.delete(name)
      this.#verdicts.set(name, verdict)
    }
    const oldest = this.#verdicts.keys()
    while (this.#verdicts.size > inForce.length + mostGoneRules) this.#verdicts.delete(oldest.next().value ?? '')
  }
}
