import { z } from 'zod'
import { findContradictions } from './cross-checks.js'
import { configError, problemsOf } from './problems.js'
import { type Config, ruleListSchema } from './schema.js'

const rulesSchema = z.strictObject({ rules: ruleListSchema })

/**
 * A list of rules that comes by itself: `{ rules: […] }`, or the list.
 *
 * @param value  anything
 * @param config  what the rules must not contradict
 * @throws SpillwayError `ERR_CONFIG` with a line for each problem.
 */
export function parseRules(value: unknown, config: Config): Config['rules'] {
  const raw = Array.isArray(value) ? { rules: value } : value
  const parsed = rulesSchema.safeParse(raw)
  if (!parsed.success) throw configError(problemsOf(parsed.error.issues, rulesSchema, raw), () => undefined)
  const contradictions = findContradictions({ ...config, rules: parsed.data.rules })
  if (contradictions.length > 0) throw configError(contradictions, () => undefined)
  return parsed.data.rules
}
