import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { errorTable, exitCodeOf, formatError } from '../errors.js'
import { addCaptureCommand } from './capture.js'
import { addConfigCommand } from './config.js'
import { addDoctorCommand } from './doctor.js'
import { addExecCommand } from './exec.js'
import { addLabCommand } from './lab.js'
import { addPlanCommand } from './plan.js'
import { addRulesCommand } from './rules.js'
import { addRunCommand } from './run.js'
import { addTopCommand } from './top.js'

const notes = `
Settings: /etc/spillway/spillway.yaml, then SPILLWAY_… variables, then flags.
Exit codes: 0 clean stop, 64 usage, 69 this host cannot, 70 a bug, 75 temporary,
78 configuration.`

export function buildProgram(): Command {
  const program = new Command('spillway')
    .description('The data plane runtime of a rootless DPDK pod.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'spillway: ERR_USAGE: ')) })
    .addHelpText('after', notes)
  addRunCommand(program)
  addExecCommand(program)
  addLabCommand(program)
  addDoctorCommand(program)
  addPlanCommand(program)
  addConfigCommand(program)
  addRulesCommand(program)
  addTopCommand(program)
  addCaptureCommand(program)
  return program
}

/** Runs one command line; the exit code is left in `process.exitCode`. */
export async function main(argv: readonly string[] = process.argv): Promise<void> {
  process.stdout.on('error', endWithReader)
  process.on('uncaughtException', endOnBug)
  try {
    await buildProgram().parseAsync(argv)
  } catch (error) {
    process.exitCode = report(error)
  }
}

/** A reader that has seen enough, such as in `spillway plan | head`, is no error. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}

/** Node's own exit code would be 1. A command that has something to stop first has a handler of its own. */
function endOnBug(error: unknown): void {
  if (process.listenerCount('uncaughtException') === 1) process.exit(report(error))
}

function report(error: unknown): number {
  // Commander has printed its message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : errorTable.ERR_USAGE.exitCode
  process.stderr.write(formatError(error))
  return exitCodeOf(error)
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
