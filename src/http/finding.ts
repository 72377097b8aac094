import { z } from 'zod'
import { levels } from '../preflight/types.js'

/** A finding as JSON has it, in the status and among the checks. */
export const servedFinding = z.object({
  code: z.string(),
  level: z.enum(levels),
  subject: z.string(),
  needed: z.string(),
  found: z.string(),
  cause: z.string().nullable(),
  remedy: z.string().nullable(),
})
