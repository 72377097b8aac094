import { existsSync } from 'node:fs'
import { findContradictions } from './cross-checks.js'
import { type FlagSetting, Layers } from './layers.js'
import { configError, problemsOf } from './problems.js'
import { type Config, configSchema } from './schema.js'
import { formatPath, type Path } from './walk.js'

export type { FlagSetting } from './layers.js'

export interface ConfigSources {
  /** The YAML file; undefined when there is none. */
  readonly file?: string | undefined
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly flags?: readonly FlagSetting[]
}

/** One effective setting and where its value came from: `default`, `FILE:LINE`, `env NAME` or a flag. */
export interface Setting {
  readonly path: string
  readonly value: unknown
  readonly origin: string
}

export interface LoadedConfig {
  readonly config: Config
  /** Every effective value, in the order of the schema. */
  readonly settings: readonly Setting[]
}

export const defaultConfigFile = '/etc/spillway/spillway.yaml'

/** What `--config` or SPILLWAY_CONFIG says, else the default file where it exists. */
export function findConfigFile(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  file = defaultConfigFile,
): string | undefined {
  return option ?? (env.SPILLWAY_CONFIG || undefined) ?? (existsSync(file) ? file : undefined)
}

/**
 * Makes the effective configuration: defaults < file < environment < flags.
 *
 * @throws SpillwayError `ERR_CONFIG` with a line for each problem.
 */
export function loadConfig({ file, env = {}, flags = [] }: ConfigSources): LoadedConfig {
  const layers = new Layers()
  if (file !== undefined) layers.addFile(file)
  layers.addEnvironment(env)
  for (const flag of flags) layers.addFlag(flag)

  const parsed = configSchema.safeParse(layers.raw)
  if (!parsed.success || layers.problems.length > 0) {
    const issues = parsed.success ? [] : problemsOf(parsed.error.issues, configSchema, layers.raw)
    throw configError([...layers.problems, ...issues], (path) => layers.whereIs(path))
  }
  const config: Config = {
    ...parsed.data,
    ports: parsed.data.ports.map(({ name, ...port }, index) => ({ name: name ?? `vf${index}`, ...port })),
  }
  const contradictions = findContradictions(config)
  if (contradictions.length > 0) throw configError(contradictions, (path) => layers.whereIs(path))
  return { config, settings: listSettings(config, (path) => layers.originOf(path)) }
}

/** Lists, sections and maps of names opened down to single values. */
function listSettings(value: unknown, originOf: (path: Path) => string, path: Path = []): Setting[] {
  const entries: [string | number, unknown][] =
    typeof value !== 'object' || value === null
      ? []
      : Array.isArray(value)
        ? [...value.entries()]
        : Object.entries(value)
  if (entries.length === 0) return [{ path: formatPath(path), value, origin: originOf(path) }]
  return entries.flatMap(([key, inner]) => listSettings(inner, originOf, [...path, key]))
}
