import { parseListen } from '../config/listen.js'
import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import { makeStatus } from '../http/make-status.js'
import { servedRun } from '../http/served-run.js'
import { startHttpServer } from '../http/server.js'
import { createLogger } from '../log.js'
import { MetricsExporter } from '../metrics/exporter.js'
import type { Preflight } from '../preflight/preflight.js'
import { checksReport } from '../preflight/refuse.js'
import { composeRules } from '../rules/compose.js'
import type { Prover } from '../rules/prover.js'
import { catchChannelFaults } from '../supervisor/channel-faults.js'
import { makeRunFolder } from '../supervisor/run-folder.js'
import { Supervisor } from '../supervisor/supervisor.js'
import { workerProgram } from '../supervisor/worker-program.js'
import { renderTotals } from '../top/table.js'

const log = createLogger({ component: 'run' })
const workerEntry = new URL('../worker/main.js', import.meta.url)

export interface Supervised {
  readonly config: Config
  readonly environment: Environment
  readonly version: string
  readonly found: Preflight
  readonly prover: Prover
  /** What to do at each signal that asks to stop. */
  onStop(act: () => void): void
}

/**
 * Runs a plan that the checks let pass, from its folder to a clean stop. Signals reach it before its first `await`.
 *
 * @throws SpillwayError what the data plane ended with, or what HTTP or the folder lacks
 */
export async function supervise({ config, environment, version, found, prover, onStop }: Supervised): Promise<void> {
  const { plan } = found
  const folder = makeRunFolder(environment.runtimeDirectory.path)
  try {
    const supervisor = new Supervisor({
      plan,
      worker: workerProgram(workerEntry, folder.path),
      rules: { compose: (addresses) => composeRules(plan, addresses), prove: (rules) => prover.prove(rules) },
      restart: config.restart,
      stallMs: config.watchdog.stallMs,
      afterEachWorker: () => folder.clear(),
    })
    onStop(() => supervisor.stop())
    await serve(supervisor, config, version, found)
  } finally {
    folder.remove()
  }
}

/** Serves HTTP as long as there is something to say: before the first worker, while one is down, until the last is reaped. */
async function serve(supervisor: Supervisor, config: Config, version: string, found: Preflight): Promise<void> {
  const metrics = new MetricsExporter(supervisor, version, found.findings)
  const http = await startHttpServer({
    listen: listenAddress(config),
    instance: servedRun(supervisor, version, checksReport(found)),
    metrics,
  })
  let bug: unknown
  const release = catchChannelFaults(
    (message) => supervisor.blameWorker(`sent bytes that are no message: ${message}`),
    (error) => {
      bug ??= error
      log.fatal({ err: error }, 'unexpected error, stopping')
      supervisor.stop()
    },
  )
  try {
    await supervisor.run()
    printTotals(supervisor, version)
  } finally {
    metrics.stop()
    await http.close()
    release()
  }
  if (bug !== undefined) throw bug
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
