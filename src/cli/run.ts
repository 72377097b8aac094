import type { Command } from 'commander'
import { addConfigOptions, type ConfigOptions, configFromOptions, loadFromOptions } from './config.js'

interface RunOptions extends ConfigOptions {
  readonly force?: boolean
}

export function addRunCommand(program: Command): void {
  const command = program.command('run').description('run the data plane: container entrypoint')
  addConfigOptions(command)
    .option('--force', 'start although a check found an error')
    .action(async ({ force = false, ...options }: RunOptions) => {
      // What is loaded here is not needed for `--help`.
      const { runDataPlane } = await import('./run-data-plane.js')
      const loaded = await configFromOptions(options)
      const load = () => loadFromOptions(options)
      await runDataPlane({ loaded, load, version: program.version() ?? 'unknown', force })
    })
}
