import { parseListen } from '../config/listen.js'
import type { LoadedConfig } from '../config/load.js'
import { SpillwayError } from '../errors.js'
import { findProgram } from '../exec/find-program.js'
import { INTERRUPT_MS, ProgramKeeper } from '../exec/keeper.js'
import { programSpec } from '../exec/program-spec.js'
import { requireSetpriv } from '../exec/setpriv.js'
import { takeSignals } from '../exec/signals.js'
import { servedExec } from '../http/served-exec.js'
import { startHttpServer } from '../http/server.js'
import { createLogger } from '../log.js'
import { ExecExporter } from '../metrics/exec-exporter.js'
import { discoverAndWait } from '../preflight/discover-and-wait.js'
import { type Preflight, preflight } from '../preflight/preflight.js'
import { checksReport, logFindings, refuseOnErrors } from '../preflight/refuse.js'
import { redactArguments } from '../redact.js'
import { placeThreads } from '../supervisor/affinity.js'
import { waitForHugepages } from '../supervisor/hugepages.js'
import { makeRunFolder, type RunFolder } from '../supervisor/run-folder.js'
import { TelemetryPoller } from '../telemetry/poller.js'
import { makeRelay } from '../telemetry/relay.js'

const log = createLogger({ component: 'exec' })

export interface ExecOptions {
  readonly loaded: LoadedConfig
  readonly version: string
  readonly program: string
  readonly args: readonly string[]
  /** Go on where a check says that it cannot work, and with what is known where a placeholder has something missing. */
  readonly force: boolean
  readonly stopMs: number
}

/**
 * Runs a program under the plan, from the configuration to the program's end.
 *
 * @returns the exit code
 * @throws SpillwayError what the checks refuse, what a placeholder lacks, or `ERR_PROGRAM_GAVE_UP`
 */
export async function runExec(options: ExecOptions): Promise<number> {
  const { loaded, force } = options
  // Before the first `await`, and never taken away: nothing that is left to clean up may be left because of a signal.
  const signals = takeSignals()
  const command = findProgram(options.program)
  await requireSetpriv()
  const { environment, discoverMs } = await discoverAndWait(loaded.config, { purpose: 'exec', signal: signals.early })
  const made = await preflight(loaded.config, environment, { signal: signals.early })
  const checked = { ...made, took: { discoverMs, ...made.took } }
  if (signals.early.aborted) return 0
  logIntentions(options, checked)
  if (!force) refuseOnErrors(checked)
  const folder = makeRunFolder(environment.runtimeDirectory.path)
  try {
    const program = programSpec({ command, args: options.args, plan: checked.plan, folder: folder.path, force })
    log.info({ command, args: redactArguments(program.args) }, 'program and arguments')
    // Before any process is started, so that all inherit it; EAL itself moves its lcores away.
    await placeThreads(checked.plan.cpus)
    const { keeper, telemetry } = makeParts(options, checked, folder, program)
    signals.handTo(keeper)
    return signals.early.aborted ? 0 : await serve(options, checked, keeper, telemetry)
  } finally {
    folder.remove()
  }
}

interface Parts {
  readonly keeper: ProgramKeeper
  readonly telemetry: TelemetryPoller
}

function makeParts(
  { loaded, stopMs }: ExecOptions,
  { plan }: Preflight,
  folder: RunFolder,
  program: ReturnType<typeof programSpec>,
): Parts {
  const telemetry = new TelemetryPoller({ relay: makeRelay(), runtimeFolder: folder.path })
  const keeper = new ProgramKeeper({
    program,
    restart: loaded.config.restart,
    stopMs,
    beforeStop: () => telemetry.pause(),
    onInterrupt: () => void telemetry.pause(INTERRUPT_MS),
    afterEach: async (stop) => {
      telemetry.forget()
      folder.clear()
      await waitForHugepages(plan.program.memory, stop)
    },
  })
  return { keeper, telemetry }
}

/** HTTP answers before there is a program, while it is down, and until the last one is reaped. */
async function serve(
  { loaded, version }: ExecOptions,
  checked: Preflight,
  keeper: ProgramKeeper,
  telemetry: TelemetryPoller,
): Promise<number> {
  const metrics = new ExecExporter({ keeper, telemetry }, version, checked.findings)
  const source = { plan: checked.plan, version, checks: checksReport(checked), keeper, telemetry }
  const http = await startHttpServer({
    listen: listenAddress(loaded),
    instance: servedExec(source),
    metrics,
  }).catch((error: unknown) => {
    metrics.stop()
    throw error
  })
  telemetry.start()
  try {
    return await keeper.run()
  } finally {
    metrics.stop()
    await Promise.all([telemetry.stop(), http.close()])
  }
}

function logIntentions({ loaded, version }: ExecOptions, { plan, findings }: Preflight): void {
  const values = Object.fromEntries(loaded.settings.map(({ path, value, origin }) => [path, { value, origin }]))
  log.info({ version, node: process.version, settings: values }, 'effective configuration')
  for (const { level, ...decision } of plan.decisions) log[level === 'warning' ? 'warn' : 'info'](decision, 'decided')
  logFindings(log, findings)
}

function listenAddress({ config: { http } }: LoadedConfig): NonNullable<ReturnType<typeof parseListen>> {
  const address = parseListen(http.listen)
  if (address) return address
  throw new SpillwayError('ERR_INTERNAL', `http.listen ${http.listen} was checked before and cannot be read now`)
}
