import type { Level } from '../../../../../src/preflight/types.js'
import type { Said } from '../fixtures.js'

/** A cause, and what the checks have to make of it. */
export type Row = readonly [what: string, said: Said, code: string, level: Level, says: RegExp]
