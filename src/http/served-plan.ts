import type { Plan } from '../plan/types.js'

/** The plan as JSON can say it: of a frame only its length. */
export function servedPlan({ memory: { prefill, ...memory }, ...plan }: Plan): object {
  return { ...plan, memory: prefill ? { ...memory, prefillBytes: prefill.length } : memory }
}
