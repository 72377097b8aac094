import type { Command } from 'commander'
import { parseListen } from '../config/listen.js'
import type { LoadedConfig } from '../config/load.js'
import type { Config } from '../config/schema.js'
import { discoverEnvironment } from '../environment/discover.js'
import { SpillwayError } from '../errors.js'
import { makeStatus } from '../http/make-status.js'
import { startHttpServer } from '../http/server.js'
import { createLogger } from '../log.js'
import { MetricsExporter } from '../metrics/exporter.js'
import { makePlan } from '../plan/plan.js'
import type { Plan } from '../plan/types.js'
import { composeRules } from '../rules/compose.js'
import { startProver } from '../rules/prover.js'
import { narrowAffinity } from '../supervisor/affinity.js'
import { catchChannelFaults } from '../supervisor/channel-faults.js'
import { makeRunFolder } from '../supervisor/run-folder.js'
import { onStopSignals } from '../supervisor/signals.js'
import { Supervisor, type SupervisorOptions } from '../supervisor/supervisor.js'
import { workerProgram } from '../supervisor/worker-program.js'
import { renderTotals } from '../top/table.js'
import { addConfigOptions, type ConfigOptions, configFromOptions } from './config.js'

const log = createLogger({ component: 'run' })
const workerEntry = new URL('../worker/main.js', import.meta.url)

export function addRunCommand(program: Command): void {
  const command = program.command('run').description('run the data plane: the entrypoint of the container')
  addConfigOptions(command).action(async (options: ConfigOptions) =>
    run(await configFromOptions(options), program.version() ?? 'unknown'),
  )
}

/** From the configuration to a clean stop. A rule that does not compile ends it before anything is started. */
async function run({ config, settings }: LoadedConfig, version: string): Promise<void> {
  const environment = discoverEnvironment()
  const plan = makePlan(config, environment)
  logIntentions(settings, plan, version)

  // First of all, so that whatever is started inherits it.
  await narrowAffinity(plan.cpus.housekeeping)
  const prover = startProver()
  const folder = makeRunFolder(environment.runtimeDirectory)
  try {
    await prover.prove(composeRules(plan, []))
    const supervisorOptions: SupervisorOptions = {
      plan,
      worker: workerProgram(workerEntry, folder.path),
      rules: { compose: (addresses) => composeRules(plan, addresses), prove: (rules) => prover.prove(rules) },
      restart: config.restart,
      stallMs: config.watchdog.stallMs,
      afterEachWorker: () => folder.clear(),
    }
    await supervise(supervisorOptions, config, version)
  } finally {
    folder.remove()
    await prover.stop()
  }
}

/** Serves HTTP as long as there is something to say: before the first worker, while one is down, until the last is reaped. */
async function supervise(options: SupervisorOptions, config: Config, version: string): Promise<void> {
  const supervisor = new Supervisor(options)
  const metrics = new MetricsExporter(supervisor, version)
  const http = await startHttpServer({ listen: listenAddress(config), source: supervisor, metrics, version })
  let bug: unknown
  const release = [
    onStopSignals(() => supervisor.stop()),
    catchChannelFaults(
      (message) => supervisor.blameWorker(`sent bytes that are no message: ${message}`),
      (error) => {
        bug ??= error
        log.fatal({ err: error }, 'unexpected error, stopping')
        supervisor.stop()
      },
    ),
  ]
  try {
    await supervisor.run()
    printTotals(supervisor, version)
  } finally {
    metrics.stop()
    await http.close()
    for (const undo of release) undo()
  }
  if (bug !== undefined) throw bug
}

function logIntentions(settings: LoadedConfig['settings'], plan: Plan, version: string): void {
  const values = Object.fromEntries(settings.map(({ path, value, origin }) => [path, { value, origin }]))
  log.info({ version, node: process.version, settings: values }, 'effective configuration')
  for (const { level, ...decision } of plan.decisions) log[level === 'warning' ? 'warn' : 'info'](decision, 'decided')
  log.info({ ealArgs: plan.ealArgs }, 'EAL arguments')
}

function listenAddress({ http }: Config): NonNullable<ReturnType<typeof parseListen>> {
  const address = parseListen(http.listen)
  if (address) return address
  throw new SpillwayError('ERR_INTERNAL', `http.listen ${http.listen} was checked before and cannot be read now`)
}

/** The last word: for people on stdout, for machines in the log. */
function printTotals(supervisor: Supervisor, version: string): void {
  const status = makeStatus(supervisor, version)
  const ports = status.ports.map(({ name, totals }) => ({ port: name, ...totals }))
  log.info({ ports, restarts: status.worker.restarts }, 'final counters')
  process.stdout.write(`${renderTotals(status).join('\n')}\n`)
}
