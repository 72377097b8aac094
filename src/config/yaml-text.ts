import { closeSync, openSync, readSync } from 'node:fs'
import { isAlias, isMap, isNode, isScalar, isSeq, Lexer, LineCounter, type Node, Parser, parseDocument } from 'yaml'
import { SpillwayError } from '../errors.js'
import { escapeText } from './plain-text.js'
import type { Path } from './walk.js'

/** A configuration is a page, not a data set; etcd's own limit for a ConfigMap is the same. */
const largestFileBytes = 1024 * 1024
const deepestNesting = 64
/** Four times what 16 ports and 256 rules take. */
const mostTokens = 50_000

export interface YamlText {
  readonly value: unknown
  /** The line on which the setting at `path`, or what is left of the path, was written. */
  lineOf(path: Path): number
}

/** Reads at most the allowed size, so that /dev/zero or a log file given by mistake ends in an error. */
export function readConfigFile(file: string): string {
  const bytes = Buffer.alloc(largestFileBytes + 1)
  let length = 0
  try {
    const descriptor = openSync(file, 'r')
    try {
      for (let got = -1; got !== 0 && length < bytes.length; length += got) {
        got = readSync(descriptor, bytes, length, bytes.length - length, null)
      }
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    throw new SpillwayError('ERR_CONFIG', `${file}: cannot be read: ${(cause as Error).message}`, { cause })
  }
  if (length > largestFileBytes) {
    throw new SpillwayError('ERR_CONFIG', `${file}: expected at most 1 MiB of YAML, found more`)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length))
  } catch (cause) {
    throw new SpillwayError('ERR_CONFIG', `${file}: expected UTF-8 text, found other bytes`, { cause })
  }
}

/**
 * Parses YAML 1.2 of the core schema, whatever a `%YAML` directive says: no sexagesimal numbers, no `on` and
 * `yes` for true, no tags that make objects. Aliases may not blow up, keys may not repeat.
 *
 * @throws Error  with a message of one line that says where.
 */
export function parseYaml(text: string): YamlText {
  const lineCounter = new LineCounter()
  const options = { version: '1.2', schema: 'core', lineCounter, prettyErrors: false, resolveKnownTags: false } as const
  try {
    refuseHugeOrDeep(text)
    const document = parseDocument(text, options)
    const [mistake] = [...document.errors, ...document.warnings]
    if (mistake !== undefined) {
      const at = lineCounter.linePos(mistake.pos[0])
      throw new SyntaxError(`line ${at.line}, column ${at.col}: ${mistake.message}`)
    }
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    refuseCircles(value)
    const offsetOf = (path: Path) =>
      findOffset(document.contents, path, (node) => (isAlias(node) ? node.resolve(document) : node))
    return { value, lineOf: (path) => lineCounter.linePos(offsetOf(path)).line }
  } catch (cause) {
    const reason = escapeText((cause as Error).message.replaceAll(/\s+/g, ' ').slice(0, 200))
    throw new SyntaxError(`not valid YAML: ${reason}`, { cause })
  }
}

/**
 * The composer recurses (a page of `- - - -` ends V8 with a fatal error that cannot be caught) and compares
 * every key with every other; the parser below it does neither. So the text goes through that one first.
 */
function refuseHugeOrDeep(text: string): void {
  const parser = new Parser()
  let tokens = 0
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme)) tokens++
    if (parser.stack.length > deepestNesting) throw new RangeError(`nested deeper than ${deepestNesting} levels`)
    if (++tokens > mostTokens) throw new RangeError(`more than ${mostTokens} words and marks`)
  }
}

/** An alias may stand inside its own anchor; whoever walks such a value never comes to an end. */
function refuseCircles(value: unknown, above = new Set<object>()): void {
  if (typeof value !== 'object' || value === null) return
  if (above.has(value)) throw new ReferenceError('an alias stands inside what it refers to')
  above.add(value)
  for (const member of Object.values(value)) refuseCircles(member, above)
  above.delete(value)
}

function findOffset(root: Node | null, path: Path, resolve: (node: Node | undefined) => Node | undefined): number {
  let offset = root?.range?.[0] ?? 0
  let at: Node | undefined = root ?? undefined
  for (const key of path) {
    at = resolve(at)
    let next: unknown
    if (isMap(at)) {
      const pair = at.items.find((item) => (isScalar(item.key) ? String(item.key.value) : undefined) === String(key))
      if (isNode(pair?.key)) offset = pair.key.range?.[0] ?? offset
      next = pair?.value
    } else if (isSeq(at)) {
      next = at.items[Number(key)]
      if (isNode(next)) offset = next.range?.[0] ?? offset
    }
    if (!isNode(next)) break
    at = next
  }
  return offset
}
