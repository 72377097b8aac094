import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { errorTable, exitCodeOf, formatError } from '../errors.js'
import { addConfigCommand } from './config.js'
import { addPlanCommand } from './plan.js'

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

export function buildProgram(): Command {
  const program = new Command('spillway')
    .description('The data plane runtime of a rootless DPDK pod.')
    .version(version(), '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText(
      'after',
      '\nConfiguration: /etc/spillway/spillway.yaml, then SPILLWAY_… variables, then flags.\n' +
        'Exit codes: 0 clean, 64 usage, 69 the host cannot, 70 bug, 75 start me again, 78 configuration.',
    )
  addPlanCommand(program)
  addConfigCommand(program)
  return program
}

/** Runs one command line; the exit code is left in `process.exitCode`. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  // A reader that has seen enough, such as `spillway plan | head`, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  try {
    await buildProgram().parseAsync(argv)
  } catch (error) {
    process.exitCode = report(error)
  }
}

function report(error: unknown): number {
  // Commander has printed its message or the help already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : errorTable.ERR_USAGE.exitCode
  process.stderr.write(formatError(error))
  return exitCodeOf(error)
}
