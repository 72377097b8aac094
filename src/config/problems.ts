import { z } from 'zod'
import { SpillwayError } from '../errors.js'
import { describeExpected } from './expected.js'
import { nearest } from './nearest.js'
import { plainJson } from './plain-text.js'
import { formatPath, leavesOf, type Path, schemaAt, sectionsOf, unwrap, valueAt } from './walk.js'

/** One thing that is wrong with the configuration: where, and the rest of the line. */
export interface Problem {
  readonly path: Path
  readonly message: string
}

const mostProblems = 20

/** One line per problem: `burst: expected a whole number from 1 to 256 (packets), found 300 (spillway.yaml:4)`. */
export function configError(problems: readonly Problem[], whereIs: (path: Path) => string | undefined): SpillwayError {
  const lines = problems.slice(0, mostProblems).map(({ path, message }) => {
    const where = whereIs(path)
    const subject = path.length === 0 ? '' : `${formatPath(path)}: `
    return `${subject}${message}${where === undefined ? '' : ` (${where})`}`
  })
  if (problems.length > mostProblems) lines.push(`… and ${problems.length - mostProblems} more problems`)
  return new SpillwayError('ERR_CONFIG', lines.join('\n'), {
    hint: 'docs/configuration.md lists every setting; `spillway config` shows what is in force and where it came from',
  })
}

/** Turns what zod found into our words. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], schema: z.ZodType, raw: unknown): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.filter((key) => typeof key !== 'symbol')
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.slice(0, mostProblems + 1).map((key) => unknownSetting(schema, [...path, key], raw))
    }
    if (issue.code === 'invalid_key') {
      return [{ path, message: `expected a port's name as key, found ${show(path.at(-1))}` }]
    }
    return [wrongValue(schema, path, valueAt(raw, path))]
  })
}

function wrongValue(schema: z.ZodType, path: Path, value: unknown): Problem {
  const at = schemaAt(schema, path)
  const expected = at === undefined ? 'nothing' : describeExpected(at)
  return { path, message: `expected ${expected}, found ${show(value)}${meantWord(at, value)}` }
}

function meantWord(schema: z.ZodType | undefined, value: unknown): string {
  const inner = schema && unwrap(schema)
  if (!(inner instanceof z.ZodEnum) || typeof value !== 'string') return ''
  const word = nearest(value, inner.options.map(String))
  return word === undefined ? '' : `, did you mean ${word}?`
}

export function unknownSetting(schema: z.ZodType, path: Path, raw: unknown): Problem {
  const value = valueAt(raw, path)
  const suggestion = nearestSetting(schema, path)
  const meant = suggestion === undefined ? '' : `, did you mean ${suggestion}?`
  const section = schemaAt(schema, path.slice(0, -1))
  const known = suggestion === undefined && section ? sectionsOf(section).map(([key]) => key) : []
  const expected = known.length > 0 ? `, expected one of ${known.join(', ')}` : ''
  const found = value === undefined ? '' : ` with value ${show(value)}`
  return { path, message: `unknown setting${found}${meant}${expected}` }
}

/** The sibling with the nearest name, or a setting of just this name somewhere else. */
function nearestSetting(schema: z.ZodType, path: Path): string | undefined {
  const parent = path.slice(0, -1)
  const word = String(path.at(-1))
  const section = schemaAt(schema, parent)
  const sibling =
    section &&
    nearest(
      word,
      sectionsOf(section).map(([key]) => key),
    )
  if (sibling !== undefined) return formatPath([...parent, sibling])
  const elsewhere = leavesOf(schema).find((leaf) => leaf.path.at(-1) === word)
  return elsewhere && formatPath(elsewhere.path)
}

/** A value as it may stand in a message: one line, short, nothing that moves a terminal's cursor. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const visible = typeof value === 'object' || typeof value === 'string' ? plainJson(value) : String(value)
  return visible.length <= 80 ? visible : `${visible.slice(0, 76)} …`
}
