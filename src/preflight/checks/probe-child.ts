import { findingMaker } from '../finding-maker.js'
import { type ProbeCheck, subjectOf } from '../probe-check.js'
import type { ProbeOutcome } from '../probe-runner.js'
import type { CodeDeclarations, Finding } from '../types.js'

const codes = {
  'probe-hung': {
    levels: ['warning'],
    meaning: 'a system call of the data plane did not come back in time',
    remedyIn: 'node',
  },
  'probe-crashed': {
    levels: ['warning'],
    meaning: 'the process that made a system call of the data plane died of it',
    remedyIn: 'node',
  },
  'probe-skipped': {
    levels: ['note'],
    meaning: 'a probe was left out, because it would disturb what runs',
    remedyIn: '–',
  },
  'probe-broken': {
    levels: ['note'],
    meaning: 'a probe could not be made, which says nothing about the pod',
    remedyIn: 'a bug report',
  },
} as const satisfies CodeDeclarations
const finding = findingMaker(codes)

/** What kept probes from being answered. A hugepage's SIGBUS is told by the check of hugepages. */
export const probeChild: ProbeCheck = {
  name: 'probe-child',
  title: 'whether the probes could be made',
  codes,
  run: (outcomes) => outcomes.flatMap(troubleOf),
}

function troubleOf(outcome: ProbeOutcome): readonly Finding[] {
  const subject = subjectOf(outcome.request)
  switch (outcome.status) {
    case 'answered':
      return []
    case 'skipped':
      return [finding('probe-skipped', { subject, needed: 'to try it', found: outcome.reason })]
    case 'broken':
      return [
        finding('probe-broken', {
          subject,
          needed: 'to try it',
          found: outcome.problem,
          cause:
            'CPUs that are so busy, or a quota so small, that the probe child did not start in time; or a bug of Spillway',
          remedy:
            'run `spillway doctor` again when less runs; if it stays, report this with `spillway doctor --bundle FILE`',
        }),
      ]
    case 'hung':
      return [
        finding('probe-hung', {
          subject,
          needed: 'an answer of the kernel',
          found: `none in ${outcome.deadlineMs / 1000} s`,
          cause: 'a driver that waits for its device, a lock that a CNI holds, or a CPU that others keep busy',
          remedy: 'look at the kernel log of the node (dmesg), and run `spillway doctor` again',
        }),
      ]
    case 'crashed':
      return isRefusedPage(outcome) ? [] : [crash(subject, outcome)]
  }
}

type Crash = Extract<ProbeOutcome, { status: 'crashed' }>

export function isRefusedPage(outcome: ProbeOutcome): outcome is Crash {
  return outcome.status === 'crashed' && outcome.request.kind === 'hugepage' && outcome.signal === 'SIGBUS'
}

function crash(subject: string, { signal, exitCode, stderr }: Crash): Finding {
  const how = signal ?? `exit code ${exitCode}`
  return finding('probe-crashed', {
    subject,
    needed: 'an answer of the kernel',
    found:
      stderr === ''
        ? `the probe died: ${how}`
        : `the probe died: ${how}: ${stderr.slice(stderr.lastIndexOf('\n') + 1)}`,
    cause:
      signal === 'SIGSYS'
        ? 'a seccomp profile that kills instead of refusing'
        : signal === 'SIGKILL'
          ? 'the memory limit of the container'
          : 'a driver or a seccomp profile of this node',
    remedy:
      signal === 'SIGSYS'
        ? 'securityContext.seccompProfile: { type: RuntimeDefault }'
        : signal === 'SIGKILL'
          ? 'raise resources.limits.memory'
          : 'look at the kernel log of the node (dmesg)',
  })
}
