import { findingMaker } from '../finding-maker.js'
import { answersOf, type ProbeCheck, pageSizeName, refusalText, subjectOf } from '../probe-check.js'
import type { ProbeRequest, Refusal, RequestOf } from '../probes/messages.js'
import type { CodeDeclarations, Finding } from '../types.js'
import { isRefusedPage } from './probe-child.js'

const codes = {
  'probe-hugepage-killed': {
    levels: ['error'],
    meaning: 'the first touch of a hugepage ended the process (SIGBUS): the hugetlb cgroup has no room',
    remedyIn: 'pod spec',
    repeats: ['hugepages-none', 'hugepages-cgroup-limit', 'hugepages-in-use'],
  },
  'probe-hugepage-refused': {
    levels: ['error'],
    meaning: 'the kernel gives no hugepage of the planned size',
    remedyIn: 'pod spec, node',
    repeats: ['hugepages-none', 'hugepages-cgroup-limit', 'hugepages-in-use'],
  },
  'probe-hugepage-ok': { levels: ['ok'], meaning: 'a hugepage was mapped and written to', remedyIn: '–' },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

export const probeHugepage: ProbeCheck = {
  name: 'probe-hugepage',
  title: 'whether a hugepage can be used',
  codes,
  run: (outcomes) => [
    ...answersOf(outcomes, 'hugepage').map(({ request, answer }) =>
      answer.refusal === null ? touched(request) : refused(request, answer.refusal),
    ),
    ...outcomes.filter(isRefusedPage).map(({ request }) => killed(request)),
  ],
}

const needed = 'one page, mapped and written to'

function touched(request: RequestOf<'hugepage'>): Finding {
  return finding('probe-hugepage-ok', {
    subject: subjectOf(request),
    needed,
    found: 'one was mapped, written to and given back',
  })
}

function killed(request: ProbeRequest): Finding {
  const size = request.kind === 'hugepage' ? pageSizeName(request.pageBytes) : ''
  return finding('probe-hugepage-killed', {
    subject: subjectOf(request),
    needed,
    found: 'SIGBUS at the first write: the page could be mapped and not had',
    cause: `the hugetlb cgroup of the pod or of a level above it has no room left for pages of ${size}`,
    remedy: `raise resources.limits.hugepages-${size} of this container (and of the others in the pod that use them)`,
  })
}

function refused(request: RequestOf<'hugepage'>, refusal: Refusal): Finding {
  const size = pageSizeName(request.pageBytes)
  return finding('probe-hugepage-refused', {
    subject: subjectOf(request),
    needed,
    found: refusalText(refusal),
    cause:
      refusal.call === 'memfd_create'
        ? 'a kernel without this page size, or a seccomp profile that refuses memfd_create'
        : `no free page of ${size}: others took them, or the reservation limit of the hugetlb cgroup is reached`,
    remedy: `resources.limits.hugepages-${size} in the pod spec and free pages on the node, or memory.pageSize: none`,
  })
}
