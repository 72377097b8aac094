import { join } from 'node:path'
import type { Command } from 'commander'
import type { ListenAddress } from '../config/listen.js'
import { defaultConfigFile, type LoadedConfig } from '../config/load.js'
import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import { errorTable } from '../errors.js'
import type { Preflight } from '../preflight/preflight.js'
import type { Prober } from '../preflight/probe-runner.js'
import { addConfigOptions, type ConfigOptions, configFromOptions } from './config.js'

interface DoctorOptions extends ConfigOptions {
  readonly json?: true
  readonly root: string
  readonly probes: boolean
  readonly bundle?: string
}

export function addDoctorCommand(program: Command): void {
  const command = program.command('doctor').description('say what the pod lacks, why, and the cure')
  addConfigOptions(command)
    .option('--json', 'print findings as JSON')
    .option('--root <dir>', "a folder with another host's proc, sys, dev and etc; nothing is tried then", '/')
    .option('--no-probes', 'only look: make none of the system calls that the data plane would make')
    .option('--bundle <file>', 'also write an archive for a bug report, without secrets')
    .action(async (options: DoctorOptions) => {
      process.exitCode = await examine(options, program.version() ?? 'unknown')
    })
}

/** Everything that was found out about one pod. */
interface Examination {
  readonly loaded: LoadedConfig
  readonly environment: Environment
  readonly listen: ListenAddress | undefined
  /** What a running instance says of itself; null when none answers. */
  readonly status: string | null
  readonly preflight: Preflight
}

async function examine(options: DoctorOptions, version: string): Promise<number> {
  const examination = await look(options)
  if (options.bundle !== undefined) await bundle(options.bundle, examination, version)
  process.stdout.write(await print(examination, options))
  const failed = examination.preflight.findings.some(({ level }) => level === 'error')
  return failed ? errorTable.ERR_PREFLIGHT.exitCode : 0
}

async function look(options: DoctorOptions): Promise<Examination> {
  const { Prober } = await import('../preflight/probe-runner.js')
  const here = options.root === '/'
  // Its Node starts while this one still looks at the pod.
  const prober = here && options.probes ? new Prober().start() : null
  try {
    return await lookWith(prober, options)
  } finally {
    await prober?.close()
  }
}

async function lookWith(prober: Prober | null, options: DoctorOptions): Promise<Examination> {
  const { readEnvironmentVariables } = await import('../environment/variables.js')
  const { parseListen } = await import('../config/listen.js')
  const { discoverAndWait } = await import('../preflight/discover-and-wait.js')
  const { root } = options
  const loaded = await configFromOptions(options, readEnvironmentVariables(root), join(root, defaultConfigFile))
  const listen = parseListen(loaded.config.http.listen)
  const status = root === '/' && listen ? await askStatus(listen) : null
  const { environment, discoverMs } = await discoverAndWait(loaded.config, { root })
  const found = await check(loaded.config, environment, prober, status !== null)
  return { loaded, environment, listen, status, preflight: { ...found, took: { discoverMs, ...found.took } } }
}

/** What an instance says of itself; null when nobody answers, or somebody else does. */
async function askStatus(listen: ListenAddress): Promise<string | null> {
  const { askInstance } = await import('../http/ask-instance.js')
  const answer = await askInstance(listen, '/api/v1/status')
  try {
    const { version, state } = JSON.parse(answer ?? '{}') as Record<string, unknown>
    return typeof version === 'string' && typeof state === 'string' ? answer : null
  } catch {
    return null
  }
}

async function check(
  config: Config,
  environment: Environment,
  prober: Prober | null,
  running: boolean,
): Promise<Preflight> {
  const { checkPlan, probePlan } = await import('../preflight/preflight.js')
  const { narrowAffinity } = await import('../supervisor/affinity.js')
  const checked = checkPlan(config, environment)
  // `kubectl exec` starts us on any CPU of the pod, and what polls there would receive nothing meanwhile.
  if (running) await narrowAffinity(checked.plan.cpus.housekeeping).catch(() => {})
  return prober ? probePlan(checked, config, environment, { running, prober }) : checked
}

async function print({ preflight, status }: Examination, options: DoctorOptions): Promise<string> {
  const { printFindings, printFindingsJson } = await import('../preflight/print.js')
  const running = status !== null
  if (options.json) {
    const document = JSON.parse(printFindingsJson(preflight.findings)) as object
    return `${JSON.stringify({ ...document, running, tookMs: preflight.took }, null, 2)}\n`
  }
  const about = running ? 'A Spillway runs here: what it holds was left alone.\n\n' : ''
  return about + printFindings(preflight.findings)
}

async function bundle(path: string, examination: Examination, version: string): Promise<void> {
  const { askedForBundle, writeBundle } = await import('../bundle/bundle.js')
  const { askInstance } = await import('../http/ask-instance.js')
  const answers: Record<string, string | null> = { '/api/v1/status': examination.status }
  const { listen, status } = examination
  if (listen && status !== null)
    for (const asked of Object.keys(askedForBundle)) answers[asked] ??= await askInstance(listen, asked)
  await writeBundle(path, { ...examination, version, answers })
  process.stderr.write(`spillway: wrote ${path}\n`)
}
