import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { LoadedConfig } from '../config/load.js'
import { plainJson } from '../config/plain-text.js'
import { SpillwayError } from '../errors.js'

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
 * @param root  a fixture tree may have a default file.
 * @throws SpillwayError `ERR_CONFIG`.
 */
export async function configFromOptions(
  options: ConfigOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
  root = '/',
): Promise<LoadedConfig> {
  const { configureLogging } = await import('../log.js')
  const loaded = await loadFromOptions(options, env, root)
  await configureLogging(loaded.config.log)
  return loaded
}

/** The same without touching the log: for an instance that runs and reads its configuration again. */
export async function loadFromOptions(
  options: ConfigOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
  root = '/',
): Promise<LoadedConfig> {
  const { defaultConfigFile, findConfigFile, loadConfig } = await import('../config/load.js')
  return loadConfig({
    file: findConfigFile(options.config, env, join(root, defaultConfigFile)),
    env,
    flags: [
      ...(options.set ?? []).map(parseSetFlag),
      ...namedFlag('--lcores', 'lcores', options.lcores),
      ...namedFlag('--http', 'http.listen', options.http),
      ...namedFlag('--log-level', 'log.level', options.logLevel),
    ],
  })
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

const formats = ['text', 'json', 'yaml'] as const

export function addConfigCommand(program: Command): void {
  const command = program.command('config').description('print every setting and its origin')
  addConfigOptions(command)
    .addOption(new Option('-f, --format <format>', 'how to print it').choices(formats).default('text'))
    .action(async (options: ConfigOptions & { format: (typeof formats)[number] }) => {
      const { printJson, printText, printYaml } = await import('../config/print.js')
      const print = { text: printText, json: printJson, yaml: printYaml }[options.format]
      process.stdout.write(print(await configFromOptions(options)))
    })
}
