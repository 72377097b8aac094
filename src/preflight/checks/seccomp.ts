import { findingMaker } from '../finding-maker.js'
import type { Check, CheckInput, CodeDeclarations } from '../types.js'

const codes = {
  'mempolicy-in-doubt': {
    levels: ['note'],
    meaning:
      'a seccomp filter of containerd, docker or podman may refuse get_mempolicy, set_mempolicy and mbind without SYS_NICE: EAL then cannot allocate hugepages',
    remedyIn: 'pod spec (SYS_NICE or seccompProfile)',
  },
  'seccomp-ok': { levels: ['ok'], meaning: 'no seccomp filter that is known to refuse the NUMA calls', remedyIn: '-' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const seccompCheck = {
  name: 'seccomp',
  title: 'May the seccomp filter refuse the NUMA calls?',
  codes,
  run(input) {
    const { process, kernel } = input.environment
    const runtime = kernel.containerRuntime ?? 'no container'
    if (!inDoubt(input)) {
      return [
        finding('seccomp-ok', {
          subject: 'seccomp',
          needed: 'get_mempolicy, set_mempolicy, mbind',
          found: `seccomp ${process.seccomp}, ${runtime}`,
        }),
      ]
    }
    return [
      finding('mempolicy-in-doubt', {
        subject: 'seccomp',
        needed: 'get_mempolicy, set_mempolicy and mbind, which EAL calls for hugepages',
        found: `a seccomp filter (${runtime}) and no CAP_SYS_NICE; the probe mempolicy tells for sure`,
        cause: 'the default profiles of containerd and docker allow these calls with SYS_NICE only; CRI-O allows them',
        remedy:
          'if the probe says EPERM: pod spec: securityContext.capabilities.add: [SYS_NICE], which opens the filter and need not be effective; ' +
          'or seccompProfile: {type: Localhost, localhostProfile: …} that allows the three calls; or Spillway: memory.pageSize: none',
      }),
    ]
  },
} satisfies Check

function inDoubt({ environment, plan }: CheckInput): boolean {
  const { process, kernel } = environment
  return (
    process.seccomp === 'filter' &&
    plan.memory.pageSize !== 'none' &&
    kernel.containerRuntime !== null &&
    kernel.containerRuntime !== 'cri-o' &&
    !process.capabilities.bounding.includes('CAP_SYS_NICE')
  )
}
