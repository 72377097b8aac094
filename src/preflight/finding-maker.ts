import type { CodeDeclarations, Finding, Level } from './types.js'

type Words = Pick<Finding, 'subject' | 'needed' | 'found'> & Partial<Pick<Finding, 'cause' | 'remedy'>>

/**
 * Makes the findings of one check: a code that the check does not declare does not compile.
 *
 * @returns a function of a code, its words, and the level where the code has several; the usual one without it.
 */
export function findingMaker<Codes extends CodeDeclarations>(codes: Codes) {
  return (code: keyof Codes & string, words: Words, level?: Level): Finding => ({
    code,
    level: level ?? codes[code]?.levels[0] ?? 'error',
    subject: words.subject,
    needed: words.needed,
    found: words.found,
    cause: words.cause ?? null,
    remedy: words.remedy ?? null,
  })
}
