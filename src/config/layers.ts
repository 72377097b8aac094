import { z } from 'zod'
import { SpillwayError } from '../errors.js'
import { describeExpected } from './expected.js'
import { type Problem, show, unknownSetting } from './problems.js'
import { configSchema } from './schema.js'
import { readVariables } from './variables.js'
import { childOf, formatPath, isNullable, type Path, parsePath, schemaAt, unwrap, valueAt } from './walk.js'
import { parseYaml, readConfigFile, type YamlText } from './yaml-text.js'

/** A setting from the command line: `path` from `--set path=value`, or what a flag such as `--http` stands for. */
export interface FlagSetting {
  readonly flag: string
  readonly path: string
  readonly text: string
}

/** The sources laid over each other, before validation, with the memory of who said what. */
export class Layers {
  raw: unknown = {}
  readonly problems: Problem[] = []
  private file: { readonly name: string; readonly text: YamlText } | undefined
  private readonly overrides = new Map<string, string>()

  addFile(name: string): void {
    const text = parseConfigFile(name)
    this.file = { name, text }
    if (text.value === null || text.value === undefined) return
    if (typeof text.value !== 'object' || Array.isArray(text.value)) {
      throw new SpillwayError(
        'ERR_CONFIG',
        `${name}: expected settings such as \`burst: 32\`, found ${show(text.value)}`,
      )
    }
    this.raw = withoutBlankSections(configSchema, text.value)
  }

  addEnvironment(env: Readonly<Record<string, string | undefined>>): void {
    const { set, unknown } = readVariables(env)
    for (const { name, text, nearest } of unknown) {
      const meant = nearest === undefined ? '' : `, did you mean ${nearest}?`
      this.problems.push({
        path: [],
        message: `${show(name).slice(1, -1)}: unknown variable with value ${show(text)}${meant}`,
      })
    }
    for (const { name, text, leaf } of set) this.override(leaf.path, text, `env ${name}`)
  }

  addFlag({ flag, path: pathText, text }: FlagSetting): void {
    const path = parsePath(pathText)
    if (path === undefined) {
      this.problems.push({
        path: [],
        message: `${flag}: expected path=value such as burst=64, found ${show(pathText)}`,
      })
    } else if (schemaAt(configSchema, path) === undefined) {
      this.overrides.set(formatPath(path), flag)
      this.problems.push(unknownSetting(configSchema, path, setIn({}, path, text)))
    } else {
      this.override(path, text, flag)
    }
  }

  private override(path: Path, text: string, origin: string): void {
    const schema = schemaAt(configSchema, path) ?? configSchema
    this.overrides.set(formatPath(path), origin)
    try {
      this.raw = setIn(this.raw, path, takesOnlyText(schema) ? text : parseYaml(text).value)
    } catch (error) {
      this.problems.push({
        path,
        message: `expected ${describeExpected(schema)}, found ${show(text)}, ${(error as Error).message}`,
      })
    }
  }

  /** Who wrote the value at `path`, or the nearest thing around it; undefined when nobody did. */
  whereIs(path: Path): string | undefined {
    for (let length = path.length; length > 0; length--) {
      const origin = this.overrides.get(formatPath(path.slice(0, length)))
      if (origin !== undefined) return origin
    }
    if (path.length === 0 || this.file === undefined) return undefined
    if (valueAt(this.file.text.value, path.slice(0, 1)) === undefined) return undefined
    return `${this.file.name}:${this.file.text.lineOf(path)}`
  }

  originOf(path: Path): string {
    return valueAt(this.raw, path) === undefined ? 'default' : (this.whereIs(path) ?? 'default')
  }
}

function parseConfigFile(file: string): YamlText {
  const text = readConfigFile(file)
  try {
    return parseYaml(text)
  } catch (cause) {
    throw new SpillwayError('ERR_CONFIG', `${file}: ${(cause as Error).message}`, { cause })
  }
}

/** A section whose lines are all commented out reads as `null`. It counts as left out. */
function withoutBlankSections(schema: z.ZodType, value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => withoutBlankSections(childOf(schema, index) ?? z.unknown(), item))
  }
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).flatMap(([key, inner]) => {
    const child = childOf(schema, key)
    if (child === undefined) return [[key, inner]]
    return inner === null && isContainer(child) && !isNullable(child) ? [] : [[key, withoutBlankSections(child, inner)]]
  })
  return Object.fromEntries(kept) as unknown
}

function isContainer(schema: z.ZodType): boolean {
  const inner = unwrap(schema)
  return inner instanceof z.ZodObject || inner instanceof z.ZodArray || inner instanceof z.ZodRecord
}

/** Whether a flag's or variable's text is the value as it stands, so that nothing may read it as YAML. */
function takesOnlyText(schema: z.ZodType): boolean {
  const inner = unwrap(schema)
  return inner instanceof z.ZodString || inner instanceof z.ZodEnum
}

/**
 * A copy of `root` with `value` at `path`; what is missing on the way is made. Where something else than a
 * section is in the way it stays, for validation to find.
 */
function setIn(root: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return value
  const base = root ?? (typeof key === 'number' ? [] : {})
  if (typeof base !== 'object') return base
  const copy = Array.isArray(base) ? [...base] : { ...base }
  const inner = setIn(valueAt(base, [key]), rest, value)
  // Not an assignment: the key may be `__proto__`.
  Object.defineProperty(copy, key, { value: inner, enumerable: true, writable: true, configurable: true })
  return copy
}
