import { findingMaker } from '../preflight/finding-maker.js'
import type { CodeDeclarations } from '../preflight/types.js'
import type { RunningCheck } from './types.js'

const codes = {
  'offload-missing': {
    levels: ['note'],
    meaning: 'the device cannot do what ports[].offloads asks for; software does it',
    remedyIn: 'Spillway (ports[].offloads)',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

/** The device's offloads that can be asked for, and who does the work without them. */
const devices = {
  tso: 'Spillway cuts the bulk TCP of the kernel itself',
  rxChecksum: 'the kernel checks every checksum itself',
} as const

/** Only the started device says what it can. */
export const offloadsCheck = {
  name: 'offloads',
  codes,
  run({ planned: { name, offloads: wanted }, info }) {
    if (info === null) return []
    return (['tso', 'rxChecksum'] as const)
      .filter((offload) => wanted[offload] && !info.offloads[offload])
      .map((offload) =>
        finding('offload-missing', {
          subject: `port ${name}`,
          needed: `offloads.${offload}`,
          found: `not among what the driver ${info.driver} offers`,
          cause: `the device or its driver cannot; ${devices[offload]}`,
          remedy: `nothing has to be done; ports[].offloads.${offload}: false says the same`,
        }),
      )
  },
} satisfies RunningCheck
