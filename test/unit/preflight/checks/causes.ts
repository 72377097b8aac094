import type { Level } from '../../../../src/preflight/types.js'
import { cpus } from './causes/cpus.js'
import { devices } from './causes/devices.js'
import { insisted } from './causes/insisted.js'
import { kernelPath } from './causes/kernel-path.js'
import { kubernetes } from './causes/kubernetes.js'
import { memory } from './causes/memory.js'
import { privileges } from './causes/privileges.js'
import type { Row } from './causes/row.js'
import { taps } from './causes/taps.js'
import type { Said } from './fixtures.js'

/** What is wrong with a pod, and what the checks have to make of it. */
export interface Cause {
  readonly what: string
  readonly said: Said
  readonly code: string
  readonly level: Level
  /** What the finding has to say, in whichever of its lines. */
  readonly says: RegExp
}

const cause = ([what, said, code, level, says]: Row): Cause => ({ what, said, code, level, says })

export const causes: readonly Cause[] = [
  ...kernelPath,
  ...taps,
  ...devices,
  ...kubernetes,
  ...memory,
  ...privileges,
  ...cpus,
  ...insisted,
].map(cause)
