import { type Command, InvalidArgumentError, Option } from 'commander'
import { addConfigOptions, type ConfigOptions, configFromOptions } from './config.js'

interface ExecFlags extends ConfigOptions {
  readonly force: boolean
  readonly stopTimeout: number
}

const notes = `
In ARGS stand for what the plan says:
  {eal}           EAL's arguments (an argument of its own)
  {pci}           the PCI addresses of the ports, with commas
  {lcores}        the value of --lcores
  {tap} {tap1} …  the taps of the ports
and {{eal}} for {eal} itself.

  spillway exec -- dpdk-testpmd {eal} -- --auto-start --stats-period 1`

export function addExecCommand(program: Command): void {
  const command = program
    .command('exec')
    .description('run any DPDK program with the plan of this pod, and export its telemetry')
    .passThroughOptions()
  addConfigOptions(command)
    .option('--force', 'start it although a check found an error, or something is missing', false)
    .addOption(
      new Option('--stop-timeout <seconds>', 'how long it may take to end before it is killed')
        .argParser(parseSeconds)
        .default(10_000, '10'),
    )
    .argument('<program>', 'a program in PATH, or its path')
    .argument('[args...]', 'its arguments')
    .addHelpText('after', notes)
    .action(async (name: string, args: string[], { force, stopTimeout, ...options }: ExecFlags) => {
      // What is loaded here is not needed for `--help`.
      const { runExec } = await import('../exec/run-exec.js')
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
