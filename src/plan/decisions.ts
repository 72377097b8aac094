import type { SpillwayError } from '../errors.js'
import type { Decision } from './types.js'

/** Collects what was decided and why, in the order in which it was, and what the host cannot do as asked. */
export class DecisionLog {
  readonly decisions: Decision[] = []
  readonly problems: SpillwayError[] = []

  note(subject: string, choice: string, reason: string): void {
    this.decisions.push({ subject, choice, reason, level: 'info' })
  }

  /** For what works, but not as well as the operator may think. */
  warn(subject: string, choice: string, reason: string): void {
    this.decisions.push({ subject, choice, reason, level: 'warning' })
  }

  /** For what cannot be done as asked: a draft goes on with the nearest thing, `makePlan` ends. */
  refuse(problem: SpillwayError): void {
    this.problems.push(problem)
  }
}
