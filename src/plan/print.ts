import { formatCpuList } from '../config/cpu-list.js'
import type { Plan } from './types.js'

/** A line per decision: what about, what was chosen, why. Warnings are marked. */
export function printPlan({ decisions, ealArgs }: Plan): string {
  const width = (column: 'subject' | 'choice', most: number) =>
    Math.min(most, Math.max(...decisions.map((decision) => decision[column].length)))
  const [subjects, choices] = [width('subject', 32), width('choice', 28)]
  const lines = decisions.map(({ subject, choice, reason, level }) => {
    const mark = level === 'warning' ? '!' : ' '
    return `${mark} ${subject.padEnd(subjects)}  ${choice.padEnd(choices)}  ${reason}\n`
  })
  return `${lines.join('')}\n  EAL arguments: ${quoteArgs(ealArgs)}\n`
}

export function printPlanJson(plan: Plan): string {
  return `${JSON.stringify(plan, null, 2)}\n`
}

/** The argument list as a POSIX shell reads it back. */
export function quoteArgs(args: readonly string[]): string {
  return args.map(quote).join(' ')
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Lines for a shell, so that another DPDK program can be started the same way. */
export function printPlanEnv({ cpus, ealArgs }: Plan, runtimeDirectory: string): string {
  const variables = {
    RUNTIME_DIRECTORY: runtimeDirectory,
    POLLING_CPUS: formatCpuList(cpus.polling),
    HOUSEKEEPING_CPUS: formatCpuList(cpus.housekeeping),
    EAL_ARGS: quoteArgs(ealArgs),
  }
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${quote(value)}\n`)
    .join('')
}
