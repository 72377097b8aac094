import { z } from 'zod'
import { plainJson } from './plain-text.js'

/** Where a setting is: keys and list indexes from the top, e.g. `['ports', 0, 'queues']`. */
export type Path = readonly (string | number)[]

/** The schema below defaults, optional and nullable. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let inner = schema
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.unwrap() as z.ZodType
  }
  return inner
}

export function isNullable(schema: z.ZodType): boolean {
  return schema.safeParse(null).success
}

/** What `.meta()` said about a setting, at whichever layer. */
export function metaOf(schema: z.ZodType): { description?: string; unit?: string; expected?: string } {
  const { description, unit, expected } = { ...unwrap(schema).meta(), ...schema.meta() }
  return {
    ...(typeof description === 'string' && { description }),
    ...(typeof unit === 'string' && { unit }),
    ...(typeof expected === 'string' && { expected }),
  }
}

/** The settings directly inside a section; none for a single value. */
export function sectionsOf(schema: z.ZodType): [key: string, schema: z.ZodType][] {
  const inner = unwrap(schema)
  return inner instanceof z.ZodObject ? (Object.entries(inner.shape) as [string, z.ZodType][]) : []
}

/** The schema of one key or index inside `schema`, or undefined when there is no such thing. */
export function childOf(schema: z.ZodType, key: string | number): z.ZodType | undefined {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodObject) {
    return Object.hasOwn(inner.shape, key) ? (inner.shape[key] as z.ZodType) : undefined
  }
  if (inner instanceof z.ZodArray) return typeof key === 'number' ? (inner.element as z.ZodType) : undefined
  if (inner instanceof z.ZodTuple) return typeof key === 'number' ? (inner.def.items[key] as z.ZodType) : undefined
  if (inner instanceof z.ZodRecord) return typeof key === 'string' ? (inner.valueType as z.ZodType) : undefined
  return undefined
}

export function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  let at: z.ZodType | undefined = schema
  for (const key of path) at = at && childOf(at, key)
  return at
}

/** Whether a value is one piece for the environment and the reference: a value, a list or a map of names. */
export function isLeaf(schema: z.ZodType): boolean {
  return !(unwrap(schema) instanceof z.ZodObject)
}

export interface Leaf {
  readonly path: Path
  readonly schema: z.ZodType
}

/**
 * Every setting that can be given in one piece, in the order of the schema. Lists are one piece;
 * a section that may be `null` is a piece and so is what is inside.
 */
export function leavesOf(schema: z.ZodType, path: Path = []): Leaf[] {
  if (isLeaf(schema)) return [{ path, schema }]
  const own = path.length > 0 && isNullable(schema) ? [{ path, schema }] : []
  return [...own, ...sectionsOf(schema).flatMap(([key, child]) => leavesOf(child, [...path, key]))]
}

/** `ports[0].exception.tap`; keys that are no plain word appear in quotes. */
export function formatPath(path: Path): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else if (/^[A-Za-z_][\w-]*$/.test(key)) text += text === '' ? key : `.${key}`
    else text += `[${plainJson(key.slice(0, 80))}]`
  }
  return text
}

/** Reads what `formatPath` writes, and `ports.0.queues`. Undefined when it is no path. */
export function parsePath(text: string): Path | undefined {
  const path: (string | number)[] = []
  const step = /(?:^|(?<=.)\.)([A-Za-z0-9_-]+)|\[(\d{1,4})\]|\[("(?:[^"\\]|\\.)*")\]/y
  while (step.lastIndex < text.length) {
    const match = step.exec(text)
    if (match === null) return undefined
    const [, word, index, quoted] = match
    if (word !== undefined) path.push(/^\d{1,4}$/.test(word) ? Number(word) : word)
    else if (index !== undefined) path.push(Number(index))
    else path.push(JSON.parse(quoted as string) as string)
  }
  return path.length > 0 ? path : undefined
}

/** The value at a path; undefined when something on the way is missing. Own properties only. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string | number, unknown>)[key]
  }
  return at
}
