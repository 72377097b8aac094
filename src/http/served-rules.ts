import type { RuleState } from '../supervisor/rule-keeper.js'

/** The rules as JSON says them: `rules` as the operator wrote them, which can be sent back, and the list in force. */
export function servedRules({ generation, refused, lastRefusal, classifier, origin, set, inForce }: RuleState): object {
  const { builtins, builtinLimit, default: verdict, fragments } = set.exceptionPath
  return {
    generation,
    refused,
    lastRefusal,
    classifier,
    origin,
    rules: set.rules,
    exceptionPath: { builtins, builtinLimit, default: verdict, fragments },
    inForce,
  }
}
