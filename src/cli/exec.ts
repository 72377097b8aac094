import { type Command, InvalidArgumentError, Option } from 'commander'
import { addConfigOptions, type ConfigOptions, configFromOptions } from './config.js'

interface ExecFlags extends ConfigOptions {
  readonly force?: boolean
  readonly stopTimeout: number
}

const notes = `
ARGS may hold {eal} (EAL's arguments), {pci}, {lcores}, {tap} and {tap1} …
  spillway exec -- dpdk-testpmd {eal} -- --auto-start`

export function addExecCommand(program: Command): void {
  const command = program.command('exec').description('run a DPDK program by the plan of this pod').passThroughOptions()
  addConfigOptions(command)
    .option('--force', 'go on although a check failed')
    .addOption(
      new Option('--stop-timeout <seconds>', 'given to end, then it is killed')
        .argParser(parseSeconds)
        .default(10_000, '10'),
    )
    .argument('<program>')
    .argument('[args...]')
    .addHelpText('after', notes)
    .action(async (name: string, args: string[], { force = false, stopTimeout, ...options }: ExecFlags) => {
      // What is loaded here is not needed for `--help`.
      const { runExec } = await import('./run-exec.js')
      const loaded = await configFromOptions(options)
      const version = program.version() ?? 'unknown'
      process.exitCode = await runExec({ loaded, version, program: name, args, force, stopMs: stopTimeout })
    })
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (/^\d{1,4}(\.\d{1,3})?$/.test(text) && seconds <= 3600) return seconds * 1000
  throw new InvalidArgumentError('expected seconds from 0 to 3600.')
}
