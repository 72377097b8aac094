import type { Finding, FindingCode } from '../preflight/types.js'
import { runningChecks } from './port-watch.js'

const settled: readonly FindingCode[] = runningChecks.flatMap((check) => check.settles ?? [])

/** What was found before the start and what is found now; where a worker runs, it knows better than the start did. Pure. */
export function withRunning(
  atStart: readonly Finding[],
  { worker, findings }: { readonly worker: object | null; readonly findings: readonly Finding[] },
): Finding[] {
  return [...atStart.filter(({ code }) => worker === null || !settled.includes(code)), ...findings]
}

/** How many there are of each code and level that there can be. Pure. */
export function countRunning(
  findings: readonly Finding[],
): { readonly labels: { readonly code: string; readonly level: string }; readonly value: number }[] {
  return runningChecks.flatMap((check) =>
    Object.entries(check.codes).flatMap(([code, { levels }]) =>
      levels.map((level) => ({
        labels: { code, level },
        value: findings.filter((finding) => finding.code === code && finding.level === level).length,
      })),
    ),
  )
}
