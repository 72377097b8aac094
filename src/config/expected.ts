import { z } from 'zod'
import { metaOf, unwrap } from './walk.js'

/** Says in words what a setting may be: `a whole number from 1 to 256 (packets)`. */
export function describeExpected(schema: z.ZodType): string {
  const { expected, unit } = metaOf(schema)
  const nullable = containsNullable(schema) ? ' or null' : ''
  return (expected ?? describeType(unwrap(schema))) + (unit === undefined ? '' : ` (${unit})`) + nullable
}

function containsNullable(schema: z.ZodType): boolean {
  for (let at: z.ZodType = schema; ; at = at.unwrap() as z.ZodType) {
    if (at instanceof z.ZodNullable) return true
    if (!(at instanceof z.ZodDefault || at instanceof z.ZodPrefault || at instanceof z.ZodOptional)) return false
  }
}

function describeType(schema: z.ZodType): string {
  if (schema instanceof z.ZodNumber) return `a whole number from ${schema.minValue} to ${schema.maxValue}`
  if (schema instanceof z.ZodBoolean) return 'true or false'
  if (schema instanceof z.ZodEnum) return oneOf(schema.options.map(String))
  if (schema instanceof z.ZodLiteral) return oneOf([...schema.values].map(String))
  if (schema instanceof z.ZodUnion)
    return schema.options.map((option) => describeExpected(option as z.ZodType)).join(' or ')
  if (schema instanceof z.ZodObject) return `settings (${Object.keys(schema.shape).join(', ')})`
  if (schema instanceof z.ZodRecord) return 'names with values'
  if (schema instanceof z.ZodTuple) return `a list of ${schema.def.items.length}`
  if (schema instanceof z.ZodArray) return 'a list'
  return 'text'
}

function oneOf(words: readonly string[]): string {
  if (words.length < 3) return words.join(' or ')
  return `one of ${words.join(', ')}`
}
