import { formatCpuList } from '../config/cpu-list.js'
import type { Plan } from './types.js'

/** A line per decision: what about, what was chosen, why. Warnings are marked. */
export function printPlan({ decisions, ealArgs, program }: Plan): string {
  const width = (column: 'subject' | 'choice', most: number) =>
    Math.min(most, Math.max(...decisions.map((decision) => decision[column].length)))
  const [subjects, choices] = [width('subject', 32), width('choice', 28)]
  const lines = decisions.map(({ subject, choice, reason, level }) => {
    const mark = level === 'warning' ? '!' : ' '
    return `${mark} ${subject.padEnd(subjects)}  ${choice.padEnd(choices)}  ${reason}\n`
  })
  const missing = program.missing.map((sentence) => `  missing for another program: ${sentence}\n`)
  return (
    `${lines.join('')}\n  EAL arguments: ${quoteArgs(ealArgs)}\n` +
    `  EAL arguments of another program: ${quoteArgs(program.ealArgs)}\n${missing.join('')}`
  )
}

export function printPlanJson(plan: Plan): string {
  return `${JSON.stringify(plan, null, 2)}\n`
}

/** The EAL arguments of another program, on a line. */
export function printEalArgs({ program }: Plan): string {
  return `${quoteArgs(program.ealArgs)}\n`
}

/** The argument list as a POSIX shell reads it back. */
export function quoteArgs(args: readonly string[]): string {
  return args.map(quote).join(' ')
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Lines for a shell, so that another DPDK program can be started under the same plan. What is missing is a comment. */
export function printPlanEnv({ cpus, program }: Plan, runtimeDirectory: string): string {
  const variables = {
    RUNTIME_DIRECTORY: runtimeDirectory,
    POLLING_CPUS: formatCpuList(cpus.polling),
    HOUSEKEEPING_CPUS: formatCpuList(cpus.housekeeping),
    LCORES: program.lcores,
    PCI: program.pci.join(','),
    TAPS: program.taps.join(','),
    EAL_ARGS: quoteArgs(program.ealArgs),
  }
  const missing = program.missing.map((sentence) => `# missing: ${sentence}\n`)
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}\n`)
  return [...missing, ...lines].join('')
}
