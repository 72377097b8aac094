import type { Decision } from './types.js'

/** Collects what was decided and why, in the order in which it was. */
export class DecisionLog {
  readonly decisions: Decision[] = []

  note(subject: string, choice: string, reason: string): void {
    this.decisions.push({ subject, choice, reason, level: 'info' })
  }

  /** For what works, but not as well as the operator may think. */
  warn(subject: string, choice: string, reason: string): void {
    this.decisions.push({ subject, choice, reason, level: 'warning' })
  }
}
