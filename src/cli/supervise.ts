import { parseCaptureRequest } from '../capture/request.js'
import { parseListen } from '../config/listen.js'
import type { LoadedConfig } from '../config/load.js'
import type { Config } from '../config/schema.js'
import type { CaptureActions } from '../control/capture-routes.js'
import { RuleChanges } from '../control/rule-changes.js'
import { type ControlServer, startControlServer } from '../control/server.js'
import type { Environment } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import { makeStatus } from '../http/make-status.js'
import { servedRun } from '../http/served-run.js'
import { startHttpServer } from '../http/server.js'
import { createLogger } from '../log.js'
import { MetricsExporter } from '../metrics/exporter.js'
import { placeControlSocket } from '../plan/control-socket.js'
import type { Preflight } from '../preflight/preflight.js'
import { checksReport } from '../preflight/refuse.js'
import { composeRules } from '../rules/compose.js'
import { describeTables } from '../rules/print.js'
import type { Prover } from '../rules/prover.js'
import { catchChannelFaults } from '../supervisor/channel-faults.js'
import { makeRunFolder } from '../supervisor/run-folder.js'
import type { HangUps } from '../supervisor/signals.js'
import { Supervisor } from '../supervisor/supervisor.js'
import { TapHolders } from '../supervisor/tap-holders.js'
import { workerProgram } from '../supervisor/worker-program.js'
import { renderTotals } from '../top/table.js'

const log = createLogger({ component: 'run' })
const workerEntry = new URL('../worker/main.js', import.meta.url)

export interface Supervised {
  readonly loaded: LoadedConfig
  /** Reads the configuration anew. */
  load(): Promise<LoadedConfig>
  readonly environment: Environment
  readonly version: string
  readonly found: Preflight
  readonly prover: Prover
  /** What to do at each signal that asks to stop. */
  onStop(act: () => void): void
  readonly hangUps: HangUps
}

/**
 * Runs a plan that the checks let pass, from its folder to a clean stop. Signals reach it before its first `await`.
 *
 * @throws SpillwayError what the data plane ended with, or what HTTP or the folder lacks
 */
export async function supervise(supervised: Supervised): Promise<void> {
  const { loaded, environment, found, prover, onStop } = supervised
  const { config } = loaded
  const { plan } = found
  const folder = makeRunFolder(environment.runtimeDirectory.path)
  const holders = new TapHolders(plan.ports.flatMap(({ exception }) => (exception.hold ? [exception.tap] : [])))
  try {
    const supervisor = new Supervisor({
      plan,
      worker: workerProgram(workerEntry, folder.path),
      rules: {
        compose: (set, addresses) => composeRules({ ...set, ports: plan.ports }, addresses),
        prove: async (rules) => describeTables(rules, await prover.prove(rules)),
      },
      restart: config.restart,
      folder: folder.path,
      stallMs: config.watchdog.stallMs,
      beforeEachWorker: () => holders.hold(),
      afterEachWorker: () => folder.clear(),
    })
    onStop(() => supervisor.stop())
    await serve(supervisor, supervised)
  } finally {
    holders.release()
    folder.remove()
  }
}

/** Serves as long as there is something to say: before the first worker, while one is down, until the last is reaped. */
async function serve(supervisor: Supervisor, supervised: Supervised): Promise<void> {
  const { loaded, version, found } = supervised
  const metrics = new MetricsExporter(supervisor, version, found.findings)
  const http = await startHttpServer({
    listen: listenAddress(loaded.config),
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
  let control: ControlServer | undefined
  try {
    control = await openControl(supervisor, supervised)
    await supervisor.run()
    printTotals(supervisor, version)
  } finally {
    metrics.stop()
    await control?.close()
    await http.close()
    release()
  }
  if (bug !== undefined) throw bug
}

/** Without a control socket an instance runs as well; only who named one relies on it. */
async function openControl(supervisor: Supervisor, supervised: Supervised): Promise<ControlServer | undefined> {
  const { loaded, load, environment, hangUps, found } = supervised
  const changes = new RuleChanges(supervisor, loaded, load)
  hangUps.answerWith(() => changes.reloadInTurn())
  const captures: CaptureActions = {
    start: (query) =>
      supervisor.capture(
        parseCaptureRequest(
          query,
          found.plan.ports.map(({ name }) => name),
        ),
      ),
    stop: () => supervisor.endCapture(),
  }
  const socket = placeControlSocket(loaded.config, environment)
  if (socket === null) return undefined
  try {
    return await startControlServer(socket, changes, captures)
  } catch (err) {
    if (socket.folder === null) throw err
    log.warn({ err }, 'no control socket')
    return undefined
  }
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
