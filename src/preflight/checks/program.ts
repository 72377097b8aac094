import { findingMaker } from '../finding-maker.js'
import type { Check, CodeDeclarations } from '../types.js'

const codes = {
  'program-incomplete': {
    levels: ['note'],
    meaning:
      'the EAL arguments for other programs (spillway exec, plan --format eal) leave something out; run is not concerned',
    remedyIn: 'what the sentence names',
  },
  'program-ok': { levels: ['ok'], meaning: 'other DPDK programs can be started under the plan', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const programCheck = {
  name: 'program',
  title: 'Could another DPDK program run under this plan?',
  codes,
  run({ plan }) {
    const { missing } = plan.program
    const subject = 'spillway exec'
    const needed = 'devices and taps as EAL arguments'
    if (missing.length === 0)
      return [finding('program-ok', { subject, needed, found: 'the devices and taps of its program are known' })]
    return missing.map((sentence) =>
      finding('program-incomplete', {
        subject,
        needed,
        found: sentence,
        cause: 'a program of its own gets everything on its command line, before anything was probed',
        remedy:
          'spillway run needs nothing of this; for spillway exec mend what the sentence names, or add the argument behind {eal}',
      }),
    )
  },
} satisfies Check
