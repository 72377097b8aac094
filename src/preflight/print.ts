import { countByLevel } from './run-checks.js'
import { type Finding, type Level, levels } from './types.js'

const columns = 120
const indent = 2
const levelWidth = 'warning'.length + 2
const labelWidth = 'remedy'.length + 2

/**
 * For a terminal and for logs: what is right in a line each, then what is not, the worst last, with what was needed,
 * found, likely and what mends it.
 *
 * @param running  an instance runs with them: nobody has to ask whether it would start
 */
export function printFindings(findings: readonly Finding[], running = false): string {
  const codeWidth = Math.max(0, ...findings.map(({ code }) => code.length)) + 2
  const blocks = [...levels]
    .reverse()
    .map((level) => findings.filter((finding) => finding.level === level))
    .flatMap((group) => group.map((finding) => printFinding(finding, codeWidth)))
  return `${blocks.join('')}\n${summary(findings, running)}\n`
}

function printFinding(finding: Finding, codeWidth: number): string {
  const { code, level, subject, needed, found, cause, remedy } = finding
  const head = `${' '.repeat(indent)}${level.padEnd(levelWidth)}${code.padEnd(codeWidth)}`
  if (level === 'ok') return wrap(head, `${subject}: ${found}`)
  const lines = [
    ['needed', needed],
    ['found', found],
    ['cause', cause],
    ['remedy', remedy],
  ] as const
  const details = lines.map(([label, text]) => (text === null ? '' : wrap(detail(label), text)))
  return `\n${wrap(head, subject)}${details.join('')}`
}

function detail(label: string): string {
  return `${' '.repeat(indent + levelWidth)}${label.padEnd(labelWidth)}`
}

/** Annotations and variables are of others: nothing of theirs may move the cursor or turn the text around. */
const unprintable = /[\p{Cc}\p{Cf}]/gu

/** Words after a first column, with the later lines below the first word; a word that is too long stays whole. */
function wrap(first: string, text: string): string {
  const width = columns - first.length
  const lines: string[] = []
  for (const word of text.replace(unprintable, ' ').trim().split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map((line, index) => `${index === 0 ? first : ' '.repeat(first.length)}${line}\n`).join('')
}

function summary(findings: readonly Finding[], running: boolean): string {
  const count = countByLevel(findings)
  const words: Record<Level, (n: number) => string> = {
    error: (n) => `${n} error${n === 1 ? '' : 's'}`,
    warning: (n) => `${n} warning${n === 1 ? '' : 's'}`,
    note: (n) => `${n} note${n === 1 ? '' : 's'}`,
    ok: (n) => `${n} ok`,
  }
  return `  ${levels.map((level) => words[level](count[level])).join(', ')}: ${verdict(count.error > 0, running)}`
}

function verdict(failed: boolean, running: boolean): string {
  if (running) return failed ? 'it runs all the same' : 'it runs'
  return failed ? 'spillway run would refuse to start' : 'spillway run can start'
}

/** Stable: codes, levels and keys are an API; texts are for people and may change. */
export function printFindingsJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ version: 1, summary: countByLevel(findings), findings }, null, 2)}\n`
}
