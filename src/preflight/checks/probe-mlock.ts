import { findingMaker } from '../finding-maker.js'
import { answersOf, type ProbeCheck, refusalText } from '../probe-check.js'
import type { CodeDeclarations } from '../types.js'

const codes = {
  'probe-mlock-refused': {
    levels: ['error'],
    meaning: 'the memory that VFIO will pin cannot be locked',
    remedyIn: 'pod spec, container runtime',
    repeats: ['capability-below-shell', 'capability-not-raised', 'memlock-refused', 'memlock-partial'],
  },
  'probe-mlock-ok': { levels: ['ok'], meaning: 'the memory that VFIO will pin can be locked', remedyIn: '–' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const probeMlock: ProbeCheck = {
  name: 'probe-mlock',
  title: 'whether as much memory can be locked as VFIO will pin',
  codes,
  run: (outcomes, { environment: { process }, plan }) =>
    answersOf(outcomes, 'mlock').flatMap(({ request, answer }) => {
      // The plan knew, and the checks memlock and capabilities tell why.
      if (answer.refusal !== null && plan.vfio.pinning === 'insufficient') return []
      const subject = 'locked memory'
      const needed = `${Math.ceil(request.bytes / 2 ** 20)} MiB, what VFIO pins for this plan`
      if (answer.refusal === null)
        return finding('probe-mlock-ok', { subject, needed, found: 'as much could be locked' })
      return finding('probe-mlock-refused', {
        subject,
        needed,
        found: `${refusalText(answer.refusal)}; RLIMIT_MEMLOCK ${limitText(process.memlockBytes)}`,
        cause: process.capabilities.effective.includes('CAP_IPC_LOCK')
          ? 'IPC_LOCK counts only in the first user namespace, and this process is in another'
          : 'IPC_LOCK is not in the effective set, and the limit is smaller',
        remedy:
          'capabilities.add: [IPC_LOCK] and start by spillway-launch, or default_ulimits = ["memlock=-1:-1"] in the ' +
          'container runtime of the node',
      })
    }),
}

function limitText(bytes: number | null): string {
  if (bytes === null) return 'unlimited'
  return bytes < 2 ** 20 ? `${bytes / 1024} KiB` : `${Math.floor(bytes / 2 ** 20)} MiB`
}
