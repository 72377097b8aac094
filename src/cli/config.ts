import { type Command, Option } from 'commander'
import { findConfigFile, type LoadedConfig, loadConfig } from '../config/load.js'
import { plainJson } from '../config/plain-text.js'
import { printJson, printText, printYaml } from '../config/print.js'
import { SpillwayError } from '../errors.js'
import { configureLogging } from '../log.js'

/** The options that every command with a configuration has. */
export interface ConfigOptions {
  readonly config?: string
  readonly set?: readonly string[]
  readonly lcores?: string
  readonly http?: string
  readonly logLevel?: string
}

export function addConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (default: /etc/spillway/spillway.yaml if it exists)')
    .option('-s, --set <path=value>', 'set one setting, e.g. burst=64; repeatable', collect)
    .option('--lcores <list>', 'CPUs that poll, e.g. 2-5,8 (default: auto, see spillway plan)')
    .option('--http <address>', 'where metrics and status are served (default: [::]:9464)')
    .option('--log-level <level>', 'fatal, error, warn, info, debug or trace (default: info)')
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/**
 * The configuration of this command line and environment. Logging follows it from here on.
 *
 * @param defaultFile  what counts as the default file, for a fixture tree.
 * @throws SpillwayError `ERR_CONFIG`.
 */
export async function configFromOptions(
  options: ConfigOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
  defaultFile?: string,
): Promise<LoadedConfig> {
  const loaded = loadConfig({
    file: findConfigFile(options.config, env, defaultFile),
    env,
    flags: [
      ...(options.set ?? []).map(parseSetFlag),
      ...namedFlag('--lcores', 'lcores', options.lcores),
      ...namedFlag('--http', 'http.listen', options.http),
      ...namedFlag('--log-level', 'log.level', options.logLevel),
    ],
  })
  await configureLogging(loaded.config.log)
  return loaded
}

function parseSetFlag(argument: string) {
  const equals = argument.indexOf('=')
  if (equals < 1) {
    throw new SpillwayError('ERR_USAGE', `--set: expected path=value such as burst=64, found ${plainJson(argument)}`)
  }
  return { flag: '--set', path: argument.slice(0, equals), text: argument.slice(equals + 1) }
}

function namedFlag(flag: string, path: string, text: string | undefined) {
  return text === undefined ? [] : [{ flag, path, text }]
}

const printers = { text: printText, json: printJson, yaml: printYaml }

export function addConfigCommand(program: Command): void {
  const command = program.command('config').description('print every setting and its origin')
  addConfigOptions(command)
    .addOption(new Option('-f, --format <format>', 'how to print it').choices(Object.keys(printers)).default('text'))
    .action(async (options: ConfigOptions & { format: keyof typeof printers }) => {
      process.stdout.write(printers[options.format](await configFromOptions(options)))
    })
}
