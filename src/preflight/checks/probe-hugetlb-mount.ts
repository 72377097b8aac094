import { findingMaker } from '../finding-maker.js'
import { answersOf, type ProbeCheck, pageSizeName, refusalText } from '../probe-check.js'
import type { CodeDeclarations } from '../types.js'

const codes = {
  'probe-mount-masked': {
    levels: ['warning'],
    meaning: 'where a hugetlbfs is mounted lies another filesystem',
    remedyIn: 'pod spec',
  },
  'probe-mount-refused': {
    levels: ['note'],
    meaning: 'a hugetlbfs mount cannot be looked at',
    remedyIn: 'pod spec',
  },
  'probe-mount-ok': { levels: ['ok'], meaning: 'the mount is a hugetlbfs', remedyIn: '–' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const probeHugetlbMount: ProbeCheck = {
  name: 'probe-hugetlb-mount',
  title: 'whether hugetlbfs mounts are what they say',
  codes,
  run: (outcomes) =>
    answersOf(outcomes, 'hugetlb-mount').map(({ request: { path }, answer }) => {
      const words = { subject: path, needed: 'a hugetlbfs' }
      if (answer.refusal !== null)
        return finding('probe-mount-refused', {
          ...words,
          found: refusalText(answer.refusal),
          cause: 'a folder on the way to it is closed to this user',
          remedy: 'securityContext.fsGroup; Spillway itself needs no mount (--in-memory)',
        })
      if (answer.isHugetlbfs)
        return finding('probe-mount-ok', {
          ...words,
          found: `a hugetlbfs with pages of ${pageSizeName(answer.pageBytes)}, ${answer.freePages} free`,
        })
      return finding('probe-mount-masked', {
        ...words,
        found: 'another filesystem',
        cause: 'a volume that was mounted over it, e.g. an emptyDir without medium: HugePages below the same path',
        remedy: 'mount the volume with medium: HugePages last, or at a path of its own',
      })
    }),
}
