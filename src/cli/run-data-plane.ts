import type { LoadedConfig } from '../config/load.js'
import type { Environment } from '../environment/types.js'
import type { NativeRule } from '../ipc/messages.js'
import { createLogger } from '../log.js'
import type { Plan } from '../plan/types.js'
import { discoverAndWait } from '../preflight/discover-and-wait.js'
import { checkPlan, type Preflight, probePlan } from '../preflight/preflight.js'
import { Prober } from '../preflight/probe-runner.js'
import { logFindings, refuseOnErrors, refuseOnProblems } from '../preflight/refuse.js'
import { composeRules } from '../rules/compose.js'
import { type Prover, startProver } from '../rules/prover.js'
import { placeThreads } from '../supervisor/affinity.js'
import { HangUps, onStopSignals, signalsOf } from '../supervisor/signals.js'

const log = createLogger({ component: 'run' })

export interface RunRequest {
  readonly loaded: LoadedConfig
  /** Reads the configuration anew, from where `loaded` came from. */
  load(): Promise<LoadedConfig>
  readonly version: string
  /** Start although a check found an error. */
  readonly force: boolean
}

/**
 * From the configuration to a clean stop. What cannot work ends it before anything is started that stays.
 *
 * @throws SpillwayError what the checks refuse, or what the data plane ended with
 */
export async function runDataPlane({ loaded, load, version, force }: RunRequest): Promise<void> {
  const { config, settings } = loaded
  logSettings(settings, version)
  const stop = new AbortController()
  let askedToStop = (): void => {}
  // Before the first `await`, so that no signal finds the folder without them, and never taken away: one that comes
  // while the last things are cleaned up must not end the process either.
  const signals = signalsOf(process.stderr.isTTY)
  onStopSignals(signals.stop, () => {
    stop.abort()
    askedToStop()
  })
  const hangUps = new HangUps(signals.reload)
  // Its Node starts while this one still looks at the pod.
  const prober = new Prober({ signal: stop.signal }).start()
  try {
    const { environment, waited } = await discoverAndWait(config, { signal: stop.signal })
    if (waited !== 'no') log.info({ networkStatus: waited }, 'waited for the network status')
    if (stop.signal.aborted) return
    const checked = checkPlan(config, environment)
    if (!force) refuseOnProblems(checked)
    logDecisions(checked.plan)
    const onStop = (act: () => void): void => {
      askedToStop = act
    }
    await runPlan({ loaded, load, environment, version, force, prober, stop: stop.signal, onStop, hangUps }, checked)
  } finally {
    await prober.close()
  }
}

interface Start extends RunRequest {
  readonly environment: Environment
  readonly prober: Prober
  readonly stop: AbortSignal
  /** What to do at each signal that asks to stop. */
  onStop(act: () => void): void
  readonly hangUps: HangUps
}

async function runPlan(start: Start, checked: Preflight): Promise<void> {
  const { loaded, load, environment, version, stop, onStop, hangUps } = start
  const prover = startProver()
  try {
    const found = await probeAndProve(start, checked, prover)
    if (stop.aborted) return
    logFindings(log, found.findings)
    if (!start.force) refuseOnErrors(found)
    // Half of the program, for nothing where a check refuses.
    const { supervise } = await import('./supervise.js')
    if (stop.aborted) return
    await supervise({ loaded, load, environment, version, found, prover, onStop, hangUps })
  } finally {
    await prover.stop()
  }
}

/** Asks the kernel on the CPUs on which nothing polls yet, while the proof has the others. */
async function probeAndProve(start: Start, checked: Preflight, prover: Prover): Promise<Preflight> {
  const { loaded, environment, prober } = start
  const { config } = loaded
  const probing = probePlan(checked, config, environment, { prober }).finally(() => prober.close())
  return bothOf(probing, narrowAndProve(start.stop, checked.plan, prover))
}

/** Waits for both, so that nothing is left running, and then for neither: the proof's failure comes first. */
async function bothOf(probing: Promise<Preflight>, proving: Promise<void>): Promise<Preflight> {
  const [proof, found] = await Promise.allSettled([proving, probing])
  if (proof.status === 'rejected') throw proof.reason
  if (found.status === 'rejected') throw found.reason
  return found.value
}

/** Narrowed before any process is started that stays, so that all inherit it. */
async function narrowAndProve(stop: AbortSignal, plan: Plan, prover: Prover): Promise<void> {
  await unlessStopped(stop, placeThreads(plan.cpus))
  if (!stop.aborted) await proveUnlessStopped(stop, prover, composeRules(plan, []))
}

/** A proof takes seconds for long rules: whoever wants to stop does not wait for it. */
async function proveUnlessStopped(stop: AbortSignal, prover: Prover, rules: readonly NativeRule[]): Promise<void> {
  const end = (): void => void prover.stop()
  stop.addEventListener('abort', end, { once: true })
  await unlessStopped(stop, prover.prove(rules))
  stop.removeEventListener('abort', end)
}

/** A step that fails once a stop was asked for failed because of that: Ctrl-C also reaches the programs it waits for. */
async function unlessStopped(stop: AbortSignal, step: Promise<unknown>): Promise<void> {
  try {
    await step
  } catch (error) {
    if (!stop.aborted) throw error
  }
}

function logSettings(settings: LoadedConfig['settings'], version: string): void {
  const values = Object.fromEntries(settings.map(({ path, value, origin }) => [path, { value, origin }]))
  log.info({ version, node: process.version, settings: values }, 'effective configuration')
}

function logDecisions(plan: Plan): void {
  for (const { level, ...decision } of plan.decisions) log[level === 'warning' ? 'warn' : 'info'](decision, 'decided')
  log.info({ ealArgs: plan.ealArgs }, 'EAL arguments')
  log.info(plan.vfio, 'what lets VFIO pin memory')
}
