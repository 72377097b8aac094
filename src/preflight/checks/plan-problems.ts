import { errorTable, type SpillwayError } from '../../errors.js'
import { findingMaker } from '../finding-maker.js'
import type { CodeDeclarations, Finding } from '../types.js'

export const planProblemCodes = {
  'plan-refused': {
    levels: ['error'],
    meaning: 'the plan cannot do what the configuration asks for, and no check has more to say about it',
    remedyIn: 'what the remedy names',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(planProblemCodes)

/** A refusal of the plan in the words that `run` would end with. */
export function findingOfProblem({ code, message, hint }: SpillwayError): Finding {
  return finding('plan-refused', {
    subject: 'plan',
    needed: 'a plan that does what the configuration says',
    found: message.replaceAll('\n', '; '),
    cause: `${errorTable[code].meaning} (${code})`,
    remedy: hint ?? null,
  })
}
