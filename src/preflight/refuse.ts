import { type ErrorCode, SpillwayError } from '../errors.js'
import { type InstanceIdentity, thisInstance } from '../http/this-instance.js'
import type { Logger } from '../log.js'
import type { Preflight, Took } from './preflight.js'
import type { Finding } from './types.js'

/**
 * Ends a start whose plan could not be made as asked, with the error that says so best.
 *
 * @throws SpillwayError the plan's first problem
 */
export function refuseOnProblems({ problems }: Pick<Preflight, 'problems'>): void {
  const [problem] = problems
  if (problem !== undefined) throw problem
}

/**
 * Ends a start that cannot work.
 *
 * @throws SpillwayError the plan's first problem, or a line for each error that was found: `ERR_PREFLIGHT`, or the code of
 *   the one thing that is wrong
 */
export function refuseOnErrors({ problems, findings }: Pick<Preflight, 'problems' | 'findings'>): void {
  refuseOnProblems({ problems })
  const errors = findings.filter(({ level }) => level === 'error')
  if (errors.length === 0) return
  const remedies = new Set(errors.map(({ remedy }) => remedy).filter((remedy) => remedy !== null))
  throw new SpillwayError(codeOf(errors), errors.map(sentence).join('\n'), {
    hint: [...remedies, '`spillway doctor` tells more, --force goes on all the same'].join('; '),
  })
}

/** What DPDK or HTTP would refuse later, by the code and so with the exit code that it has then: a tap may be free soon. */
const laterErrors: Readonly<Record<string, ErrorCode>> = {
  'http-in-use': 'ERR_HTTP_IN_USE',
  'tap-in-use': 'ERR_TAP_BUSY',
}

function codeOf(errors: readonly Finding[]): ErrorCode {
  const codes = new Set(errors.map(({ code }) => laterErrors[code] ?? 'ERR_PREFLIGHT'))
  const [only = 'ERR_PREFLIGHT', ...others] = codes
  return others.length === 0 ? only : 'ERR_PREFLIGHT'
}

function sentence({ code, subject, needed, found }: Finding): string {
  return `${code}: ${subject}: need ${needed}, found ${found}`
}

/** One line for each finding that somebody should see. */
export function logFindings(log: Logger, findings: readonly Finding[]): void {
  for (const { level, ...finding } of findings) {
    if (level === 'error') log.error(finding, 'check failed')
    if (level === 'warning') log.warn(finding, 'check warns')
  }
}

/** What /api/v1/checks serves. */
export interface ChecksReport {
  readonly at: string
  readonly instance: InstanceIdentity
  readonly tookMs: Took
  readonly findings: readonly Finding[]
}

/** For /api/v1/checks. */
export function checksReport({ findings, took }: Preflight): ChecksReport {
  return { at: new Date().toISOString(), instance: thisInstance(), tookMs: took, findings }
}
