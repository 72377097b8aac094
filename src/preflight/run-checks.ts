import { checks } from './catalogue.js'
import { findingOfProblem } from './checks/plan-problems.js'
import { type Check, type CheckInput, type Finding, type Level, levels } from './types.js'

/**
 * Everything that discovery and plan show to be right, in doubt or wrong; in the order of the catalogue. Pure.
 *
 * A problem of the plan is told once: by the check that covers it where that check found an error, else in its own words.
 */
export function runChecks(input: CheckInput): Finding[] {
  const results = checks.map((check) => ({ check, findings: check.run(input) }))
  const told = new Set(results.flatMap(({ check, findings }) => (failed(findings) ? coveredBy(check) : [])))
  const untold = input.problems.filter(({ code }) => !told.has(code))
  return [...results.flatMap(({ findings }) => findings), ...untold.map((problem) => findingOfProblem(problem, input))]
}

function failed(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === 'error')
}

function coveredBy({ covers = [] }: Check): readonly string[] {
  return covers
}

export function countByLevel(findings: readonly Finding[]): Record<Level, number> {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length
  return Object.fromEntries(levels.map((level) => [level, count(level)])) as Record<Level, number>
}
