import type { ProbeOutcome } from './probe-runner.js'
import type { AnswerOf, ProbeKind, ProbeRequest, RequestOf } from './probes/messages.js'
import type { CheckInput, CodeDeclarations, Finding } from './types.js'

/** A check of what the probes were told by the kernel; pure. */
export interface ProbeCheck {
  /** Kebab-case, as the file. */
  readonly name: string
  /** What it answers, in a few words. */
  readonly title: string
  readonly codes: CodeDeclarations
  run(outcomes: readonly ProbeOutcome[], input: CheckInput): readonly Finding[]
}

/** The answers to one kind of probe. */
export function answersOf<K extends ProbeKind>(
  outcomes: readonly ProbeOutcome[],
  kind: K,
): { readonly request: RequestOf<K>; readonly answer: AnswerOf<K> }[] {
  return outcomes.flatMap((outcome) =>
    outcome.status === 'answered' && outcome.answer.kind === kind
      ? [{ request: outcome.request as RequestOf<K>, answer: outcome.answer as AnswerOf<K> }]
      : [],
  )
}

/** What a probe is about, in the words of the findings. */
export function subjectOf(request: ProbeRequest): string {
  switch (request.kind) {
    case 'vhost-net':
    case 'hugetlb-mount':
    case 'vfio-container':
    case 'vfio-group':
      return request.path
    case 'tap':
      return `tap ${request.tap}`
    case 'hugepage':
      return `hugepages of ${pageSizeName(request.pageBytes)}`
    case 'mlock':
      return 'locked memory'
    case 'mempolicy':
      return 'NUMA system calls'
  }
}

export function pageSizeName(bytes: number): string {
  const mib = bytes / 2 ** 20
  return mib >= 1024 ? `${mib / 1024}Gi` : `${mib}Mi`
}

/** e.g. `open: EACCES`, for what was found. */
export function refusalText({ call, error }: { readonly call: string; readonly error: string }): string {
  const words = errnoWords[error]
  return words === undefined ? `${call}: ${error}` : `${call}: ${error} (${words})`
}

const errnoWords: Readonly<Record<string, string>> = {
  EPERM: 'operation not permitted',
  EACCES: 'permission denied',
  ENOENT: 'no such file',
  ENODEV: 'no such device',
  ENXIO: 'no such device',
  EBUSY: 'in use',
  EINVAL: 'invalid argument',
  ENOMEM: 'out of memory',
  ENOSYS: 'not in this kernel',
  ENOTTY: 'not this kind of device',
  EBADFD: 'the device is gone',
}
