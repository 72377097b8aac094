import type { RunningInstance } from '../http/ask-running.js'
import type { Finding } from './types.js'

/** What an instance that runs in this container makes true by running. */
const itsDoing: readonly string[] = ['http-in-use', 'tap-in-use']

/**
 * What is to be said where an instance runs in this container: what it found at its start, and what this doctor found
 * otherwise. The instance holds pages, locked memory and devices, and has rights that a program below `kubectl exec` has
 * not, so that is worth a note. An instance without a worker holds nothing: what is found then may be why. Pure.
 */
export function besideInstance(
  found: readonly Finding[],
  { findings, state }: Pick<RunningInstance, 'findings' | 'state'>,
): Finding[] {
  const known = new Set(findings.map(keyOf))
  const news = found.filter(
    (finding) => finding.level !== 'ok' && !itsDoing.includes(finding.code) && !known.has(keyOf(finding)),
  )
  return [...findings, ...(state === 'waiting' ? news : news.map(asNote))]
}

function keyOf({ code, subject }: Finding): string {
  return `${code} ${subject}`
}

function asNote(finding: Finding): Finding {
  if (finding.level === 'note') return finding
  const cause = 'the running Spillway holds it, or has what this doctor was not given, or it changed after its start'
  return { ...finding, level: 'note', cause, remedy: null }
}

/** Who listens where `run` would, when it is a Spillway of another container. Pure. */
export function tellHolder(
  found: readonly Finding[],
  { identity, state }: Pick<RunningInstance, 'identity' | 'state'>,
): Finding[] {
  const container = identity?.container ?? null
  const who = container === null ? 'another container (or of another version)' : `container ${container}`
  const pid = identity === null ? '' : `, pid ${identity.pid} there`
  const cause = `a Spillway of ${who} listens there, in state ${state}${pid}: the containers of a pod share its addresses`
  return found.map((finding) => (finding.code === 'http-in-use' ? { ...finding, cause } : finding))
}
