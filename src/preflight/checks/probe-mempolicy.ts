import { findingMaker } from '../finding-maker.js'
import { answersOf, type ProbeCheck } from '../probe-check.js'
import type { AnswerOf } from '../probes/messages.js'
import type { CheckInput, CodeDeclarations, Finding } from '../types.js'

const codes = {
  'probe-mempolicy-refused': {
    levels: ['error', 'note'],
    meaning: 'a seccomp profile refuses the NUMA calls; EAL then gets no hugepage',
    remedyIn: 'pod spec',
  },
  'probe-mempolicy-ok': {
    levels: ['ok'],
    meaning: 'the NUMA calls work, or the kernel has none and EAL does without',
    remedyIn: '–',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const probeMempolicy: ProbeCheck = {
  name: 'probe-mempolicy',
  title: 'whether the seccomp profile allows the NUMA calls',
  codes,
  run: (outcomes, input) => answersOf(outcomes, 'mempolicy').map(({ answer }) => tell(answer, input)),
}

function tell({ refusals, numaAvailable }: AnswerOf<'mempolicy'>, { plan }: CheckInput): Finding {
  const words = { subject: 'NUMA system calls', needed: 'get_mempolicy, set_mempolicy and mbind to be allowed' }
  const forbidden = refusals.filter(({ error }) => error !== 'ENOSYS')
  if (forbidden.length === 0)
    return finding('probe-mempolicy-ok', {
      ...words,
      found:
        refusals.length === 0
          ? 'get_mempolicy, set_mempolicy and mbind are allowed'
          : 'a kernel without NUMA: EAL does without',
    })
  const matters = plan.memory.pageSize !== 'none' && numaAvailable !== false
  return finding(
    'probe-mempolicy-refused',
    {
      ...words,
      found: `${forbidden.map(({ call, error }) => `${call}: ${error}`).join(', ')}${matters ? '' : whyNot(plan)}`,
      cause:
        'the seccomp profile of the container runtime allows them with SYS_NICE only; EAL then ends with ' +
        '"set_mempolicy: Operation not permitted" and "Cannot init memory"',
      remedy:
        'capabilities.add: [SYS_NICE] (it opens the profile, nothing else is used), or a profile with these calls',
    },
    matters ? 'error' : 'note',
  )
}

function whyNot({ memory }: CheckInput['plan']): string {
  return memory.pageSize === 'none'
    ? '; without hugepages EAL does not call them'
    : '; this libnuma takes that for a machine without NUMA, and EAL goes on'
}
