/** The kubelet refuses annotations beyond 256 KiB in all; escapes can make the file several times as long. */
const longestFile = 4 * 1024 * 1024
const mostLines = 4096

/**
 * Reads a file of the downward API with labels or annotations: a line `key="value"` each, the value quoted as Go's
 * %q does, so that it holds no line feed and no bare quote, but may hold `=`.
 *
 * @returns what could be read, and a line about each that could not.
 * @see kubernetes pkg/fieldpath FormatMap, Go strconv.Quote
 */
export function readDownwardMap(text: string): { values: ReadonlyMap<string, string>; problems: string[] } {
  const values = new Map<string, string>()
  if (text.length > longestFile) return { values, problems: [`${text.length} characters are too many`] }
  const problems: string[] = []
  for (const [index, line] of text.split('\n', mostLines).entries()) {
    if (line.trim() === '') continue
    const match = /^([\w./-]{1,317})="((?:[^"\\]|\\.)*)"\r?$/.exec(line)
    const value = unquote(match?.[2])
    if (match === null || value === undefined) problems.push(`line ${index + 1}: expected key="value"`)
    else values.set(match[1] ?? '', value)
  }
  return { values, problems: problems.slice(0, 8) }
}

const singleEscapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

const goEscape = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/gu

/** Undefined when there is an escape that Go does not write. */
function unquote(quoted: string | undefined): string | undefined {
  let known = quoted !== undefined
  const text = quoted?.replaceAll(goEscape, (all, x, u, long, octal, single) => {
    const code = Number.parseInt(x ?? u ?? long ?? '', 16)
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
    if (Number.isInteger(code) && code <= 0x10ffff) return String.fromCodePoint(code)
    const plain = single === undefined ? undefined : singleEscapes[single]
    known &&= plain !== undefined
    return plain ?? all
  })
  return known ? text : undefined
}
