import type { Command } from 'commander'
import type { ListenAddress } from '../config/listen.js'
import type { LoadedConfig } from '../config/load.js'
import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import { errorTable } from '../errors.js'
import type { RunningInstance } from '../http/ask-running.js'
import type { Plan } from '../plan/types.js'
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
  /** The instance of this container; null when none answers. */
  readonly running: RunningInstance | null
  readonly preflight: Preflight
}

async function examine(options: DoctorOptions, version: string): Promise<number> {
  const examination = await look(options, version)
  if (options.bundle !== undefined) await bundle(options.bundle, examination, version)
  process.stdout.write(await print(examination, options))
  const failed = examination.preflight.findings.some(({ level }) => level === 'error')
  return failed ? errorTable.ERR_PREFLIGHT.exitCode : 0
}

async function look(options: DoctorOptions, version: string): Promise<Examination> {
  const { Prober } = await import('../preflight/probe-runner.js')
  const here = options.root === '/'
  // Its Node starts while this one still looks at the pod.
  const prober = here && options.probes ? new Prober().start() : null
  try {
    return await lookWith(prober, options, version)
  } finally {
    await prober?.close()
  }
}

async function lookWith(prober: Prober | null, options: DoctorOptions, version: string): Promise<Examination> {
  const { readEnvironmentVariables } = await import('../environment/variables.js')
  const { parseListen } = await import('../config/listen.js')
  const { discoverAndWait } = await import('../preflight/discover-and-wait.js')
  const { root } = options
  const loaded = await configFromOptions(options, readEnvironmentVariables(root), root)
  const listen = parseListen(loaded.config.http.listen)
  const met = root === '/' && listen ? await meet(listen, version) : nobody
  const { environment, discoverMs } = await discoverAndWait(loaded.config, { root })
  const found = await check(loaded.config, environment, prober, met)
  const running = met.instance?.ours ? met.instance : null
  return { loaded, environment, listen, running, preflight: { ...found, took: { discoverMs, ...found.took } } }
}

/** Who answers where `run` would listen. */
interface Met {
  readonly instance: RunningInstance | null
  /** What it runs by, when it is ours. */
  readonly plan: Plan | null
}
const nobody: Met = { instance: null, plan: null }

async function meet(listen: ListenAddress, version: string): Promise<Met> {
  const { askPlan, askRunning } = await import('../http/ask-running.js')
  const instance = await askRunning(listen)
  return { instance, plan: instance?.ours ? await askPlan(listen, instance, version) : null }
}

async function check(
  config: Config,
  environment: Environment,
  prober: Prober | null,
  { instance, plan }: Met,
): Promise<Preflight> {
  const { checkPlan, probePlan } = await import('../preflight/preflight.js')
  const { besideInstance, tellHolder } = await import('../preflight/beside-instance.js')
  const { narrowAffinity } = await import('../supervisor/affinity.js')
  const running = instance?.ours ?? false
  const drafted = checkPlan(config, environment)
  const checked = plan === null ? drafted : { ...drafted, plan, problems: [] }
  // `kubectl exec` starts us on any CPU of the pod, and what polls there would receive nothing meanwhile.
  if (running) await narrowAffinity(checked.plan.cpus.housekeeping).catch(() => {})
  const found = prober ? await probePlan(checked, config, environment, { running, prober }) : checked
  if (instance === null) return found
  const tell = running ? besideInstance : tellHolder
  return { ...found, findings: tell(found.findings, instance) }
}

async function print({ preflight, running }: Examination, options: DoctorOptions): Promise<string> {
  const { printFindings, printFindingsJson } = await import('../preflight/print.js')
  if (options.json) {
    const document = JSON.parse(printFindingsJson(preflight.findings)) as object
    return `${JSON.stringify({ ...document, running: running !== null, tookMs: preflight.took }, null, 2)}\n`
  }
  return (running ? introduce(running) : '') + printFindings(preflight.findings, running !== null)
}

function introduce({ state, notReady, identity }: RunningInstance): string {
  const ready = notReady.length === 0 ? 'ready' : `not ready: ${notReady.join('; ')}`
  return (
    `A Spillway runs here (pid ${identity?.pid}, ${state}, ${ready}): what it holds was left alone.\n` +
    'This is what it found at its start, and in notes what this doctor finds beside it.\n\n'
  )
}

async function bundle(path: string, examination: Examination, version: string): Promise<void> {
  const { askedForBundle, writeBundle } = await import('../bundle/bundle.js')
  const { askInstance } = await import('../http/ask-instance.js')
  const { listen, running } = examination
  const answers: Record<string, string | null> = { '/api/v1/status': running?.status ?? null }
  if (listen && running)
    for (const asked of Object.keys(askedForBundle)) answers[asked] ??= await askInstance(listen, asked)
  await writeBundle(path, { ...examination, version, answers })
  process.stderr.write(`spillway: wrote ${path}\n`)
}
