/** What stands where a secret was. */
const mark = '[redacted]'

/** Words that promise a secret, also as part of a name: `DB_PASSWORD`, `x-api-key`, `clientSecret`. */
const secretWord =
  'passw(?:or)?d|passphrase|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|authorization'
const secretName = new RegExp(secretWord, 'i')

/**
 * What is known by its own shape. Every repetition has a bound, so that no text, however it was made, keeps the event
 * loop busy.
 */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]{1,40}-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,40}-----|$)/g, mark],
  // JSON Web Tokens, a service account's for example.
  [/\beyJ[\w-]{5,4096}\.[\w-]{1,8192}(?:\.[\w-]{0,8192})?/g, mark],
  [/\b(?:sha256~|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hvs\.|AKIA)[\w-]{8,512}/g, mark],
  [/\b(Bearer|Basic|Negotiate)\s{1,8}[\w.~+/=-]{6,8192}/gi, `$1 ${mark}`],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"'\\]{1,1024}@/gi, `$1${mark}@`],
]

/**
 * What is known by the name before it: a value in quotes, also in the escaped ones of JSON inside JSON, or a bare one up
 * to the next blank or separator.
 */
const named = new RegExp(
  String.raw`((?:${secretWord})[\w.-]{0,64}(\\{0,8}["'])?\s{0,8}[:=]\s{0,8})` +
    String.raw`(?:(\\{1,8}")(?:(?!\\{1,8}").){0,65536}(?:\\{1,8}")?|(")(?:[^"\\]|\\.){0,65536}"?|(')[^']{0,65536}'?|[^\s,;&"'{}[\]\\]{1,8192})`,
  'gi',
)

/** Takes out of a text what looks like a secret; it rather takes too much. JSON stays JSON. */
export function redactText(text: string): string {
  const known = shapes.reduce((clean, [pattern, replacement]) => clean.replace(pattern, replacement), text)
  return known.replace(named, (_all, name: string, nameQuote = '', escaped = '', double = '', single = '') => {
    const quote = escaped || double || single || nameQuote
    return `${name}${quote}${mark}${quote}`
  })
}

/** The same for data: every string of it, and everything below a name that promises a secret. */
export function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value)) return value.map(redactValue)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretName.test(name) && inner !== null ? mark : redactValue(inner),
    ]),
  )
}
