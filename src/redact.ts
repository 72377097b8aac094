/** What stands where a secret was. */
const mark = '[redacted]'

/** Words that promise a secret, also as part of a name: `DB_PASSWORD`, `x-api-key`, `clientSecret`. */
const secretWord =
  'passw(?:or)?d|passphrase|(?<![a-z])(?:pass|pwd)(?![a-z])|secret|token|credential|api[_-]?key|access[_-]?key|' +
  'private[_-]?key|ssh[_-]?key|authorization|cookie'
const secretName = new RegExp(secretWord, 'i')

/**
 * What is known by its own shape. Every repetition has a bound, so that no text, however it was made, keeps the event
 * loop busy.
 */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]{1,40}-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,40}-----|$)/g, mark],
  [/\b(?:sha256~|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hvs\.|AKIA)[\w-]{8,512}/g, mark],
  [/\b(Bearer|Basic|Negotiate)\s{1,8}[\w.~+/=-]{6,8192}/gi, `$1 ${mark}`],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/"'\\]{1,1024}@/gi, `$1${mark}@`],
]

/** A value in quotes, also in the escaped ones of JSON inside JSON, or a bare one up to the next blank or separator. */
const value =
  String.raw`(?:(?<escaped>\\{1,8}")(?:(?!\\{1,8}").){0,65536}(?:\\{1,8}")?|(?<double>")(?:[^"\\]|\\.){0,65536}"?` +
  String.raw`|(?<single>')[^']{0,65536}'?|[^\s,;&"'{}[\]\\]{1,8192})`

/** `password=hunter2`, `"password": "hunter2"`. */
const named = new RegExp(
  String.raw`(?<name>(?:${secretWord})[\w.-]{0,64}(?<nameQuote>\\{0,8}["'])?\s{0,8}[:=]\s{0,8})${value}`,
  'gi',
)

/** `--password hunter2`, and in a list of arguments `"--password", "hunter2"`. */
const option = new RegExp(
  String.raw`(?<name>(?<![\w.-])(?=-[\w.-]{0,64}?(?:${secretWord}))-[\w.-]{1,128}(?![\w.-])` +
    String.raw`(?:\\{0,8}["']\s{0,64},\s{0,64}|\s{1,8}))${value}`,
  'gi',
)

/** Takes out of a text what looks like a secret; it rather takes too much. JSON stays JSON. */
export function redactText(text: string): string {
  const known = shapes.reduce(
    (clean, [pattern, replacement]) => clean.replace(pattern, replacement),
    redactTokens(text),
  )
  return [option, named].reduce((clean, pattern) => clean.replace(pattern, redactMatch), known)
}

function redactMatch(...match: readonly unknown[]): string {
  const groups = match.at(-1) as Readonly<Record<string, string | undefined>>
  const quote = groups.escaped ?? groups.double ?? groups.single ?? groups.nameQuote ?? ''
  return `${groups.name}${quote}${mark}${quote}`
}

/**
 * JSON Web Tokens, a service account's for example. Each run of their characters is found once and judged as a whole:
 * a pattern of the token itself would start anew at every `eyJ` of a long run.
 */
function redactTokens(text: string): string {
  return text.replace(/[\w.-]+/g, (run) => {
    const start = run.search(/\beyJ[\w-]{5}/)
    const dot = start < 0 ? -1 : run.indexOf('.', start)
    return dot < 0 || dot === run.length - 1 ? run : `${run.slice(0, start)}${mark}`
  })
}

/**
 * The same for the arguments of a program, where a secret may be a word of its own after `--api-key`.
 *
 * `-p` is a password as well, unless a hexadecimal number follows: then it is the port mask of DPDK's examples.
 *
 * @returns as many arguments as there were.
 */
export function redactArguments(args: readonly string[]): string[] {
  return args.map((argument, i) => (asksForSecret(args[i - 1] ?? '', argument) ? mark : redactText(argument)))
}

function asksForSecret(option: string, argument: string): boolean {
  if (option === '-p') return !/^(?:0x)?[\da-f]{1,16}$/i.test(argument)
  return /^-[\w.-]+$/.test(option) && secretName.test(option) && argument !== '--'
}

/** The same for data: every string of it, lists of strings as the arguments that they may be, and everything below a name that promises a secret. */
export function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value))
    return value.every((item) => typeof item === 'string') ? redactArguments(value) : value.map(redactValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretName.test(name) && inner !== null ? mark : redactValue(inner),
    ]),
  )
}

/** A line of a log: as data where it is JSON, else as text. */
export function redactLine(line: string): string {
  try {
    return JSON.stringify(redactValue(JSON.parse(line)))
  } catch {
    return redactText(line)
  }
}
