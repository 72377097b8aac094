/** What a terminal would act on instead of showing it: control and format characters, line and paragraph ends. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** The same text with every such character as an escape, so that nobody's input moves a cursor or breaks a line. */
export function escapeText(text: string): string {
  return text.replaceAll(unprintable, (character) =>
    // By code unit, as JSON writes characters beyond the first 65,536.
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** JSON of a value on one plain line. */
export function plainJson(value: unknown): string {
  return escapeText(JSON.stringify(value))
}
