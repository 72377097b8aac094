import { setTimeout as sleep } from 'node:timers/promises'
import type { CaptureRequest } from '../capture/request.js'
import type { Config } from '../config/schema.js'
import { assertNever, SpillwayError } from '../errors.js'
import type { PortEvent, PortFilters, StartInfo, TapAddresses, WorkerReport } from '../ipc/messages.js'
import { createLogger } from '../log.js'
import { withRules } from '../plan/rules.js'
import type { Plan } from '../plan/types.js'
import type { Finding } from '../preflight/types.js'
import { PortWatch } from '../running/port-watch.js'
import { CounterReader } from '../stats/counter-reader.js'
import { RateSampler } from '../stats/rate-sampler.js'
import type { Rates } from '../stats/rates.js'
import type { Snapshot } from '../stats/series.js'
import { pinThreads } from './affinity.js'
import { CaptureKeeper, type RunningCapture } from './capture-keeper.js'
import { type RestartCause, restartCauses } from './causes.js'
import { CounterFile } from './counter-file.js'
import { EXIT_AFTER_STOPPED_MS, SAMPLE_INTERVAL_MS, START_DEADLINE_MS } from './deadlines.js'
import { waitForHugepages } from './hugepages.js'
import { type PromiseWithSettlers, promiseWithSettlers } from './promise-with-settlers.js'
import { afterDeath, type RestartSettings } from './restart-policy.js'
import { errorOf, RuleKeeper, type RuleOrigin, type RuleSource, type RuleState } from './rule-keeper.js'
import type { SupervisorState } from './state.js'
import { startWatchdog } from './watchdog.js'
import { type WorkerEnd, WorkerProcess, type WorkerProgram } from './worker-process.js'

const log = createLogger({ component: 'supervisor' })

export interface SupervisorOptions {
  readonly plan: Plan
  readonly worker: WorkerProgram
  readonly rules: RuleSource
  /** Of this run, for this user alone: sockets between supervisor and worker are there. */
  readonly folder: string
  readonly restart: RestartSettings
  /** A loop that makes no turn for so long gets its worker replaced; 0 switches that off. */
  readonly stallMs: number
  readonly startDeadlineMs?: number
  /** Awaited before a worker starts. */
  readonly beforeEachWorker?: () => Promise<void>
  /** Called when a worker is reaped, before the next one starts. */
  readonly afterEachWorker?: () => void
}

export interface Death {
  readonly at: Date
  readonly cause: RestartCause
  readonly message: string
}

export interface Vitals {
  readonly eventLoopLagP99Seconds: number
  readonly heapUsedBytes: number
}

/** What there is to know about the run at this moment, without the counters. */
export interface SupervisorView {
  readonly state: SupervisorState
  readonly plan: Plan
  readonly startedAtMs: number
  readonly worker: { readonly pid: number; readonly forwardingSinceMs: number | null } | null
  /** Of this worker, or of the last one that started. */
  readonly info: StartInfo | null
  readonly addresses: readonly TapAddresses[]
  readonly removedPorts: readonly string[]
  /** What is wrong with the ports at this moment. */
  readonly findings: readonly Finding[]
  /** The MTU of each port that the worker has told of. */
  readonly mtus: ReadonlyMap<string, number>
  readonly vitals: Vitals | null
  readonly restarts: Readonly<Record<RestartCause, number>>
  readonly lastDeath: Death | null
  readonly rules: RuleState
}

interface Life {
  readonly worker: WorkerProcess
  readonly file: CounterFile
  /** Settles with the worker's first word: that it started, or why it could not. */
  readonly started: PromiseWithSettlers<StartInfo>
  failure: SpillwayError | undefined
  forwardingSinceMs: number | null
}

/** Runs one worker after the other until it is told to stop or there is no point in going on. */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #startedAtMs = performance.now()
  readonly #counters = new CounterReader()
  readonly #sampler = new RateSampler(() => this.#counters.takeSnapshot(), SAMPLE_INTERVAL_MS)
  readonly #keeper: RuleKeeper
  readonly #captures: CaptureKeeper
  readonly #restarts = Object.fromEntries(Object.keys(restartCauses).map((cause) => [cause, 0])) as Record<
    RestartCause,
    number
  >
  readonly #stop = promiseWithSettlers<'stop'>()
  readonly #hurry = promiseWithSettlers<'hurry'>()
  #plan: Plan
  #state: SupervisorState = 'idle'
  #stopAsked = false
  #everForwarded = false
  #life: Life | undefined
  #info: StartInfo | null = null
  #addresses: readonly TapAddresses[] = []
  readonly #ports: PortWatch
  #vitals: Vitals | null = null
  #lastDeath: Death | null = null

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#plan = options.plan
    this.#keeper = new RuleKeeper(options.rules, options.plan)
    this.#captures = new CaptureKeeper(options.folder, options.rules.prove)
    this.#ports = new PortWatch(options.plan)
  }

  /**
   * Resolves after a clean stop. Rejects with the error of a first start that cannot succeed (missing device,
   * foreign tap, bad rule, …) or with ERR_WORKER_GAVE_UP.
   */
  async run(): Promise<void> {
    try {
      let inARow = 0
      while (!this.#stopAsked) {
        const death = await this.#liveOnce()
        if (!death) break
        const decision = afterDeath(this.#options.restart, inARow, death.forwardedMs)
        inARow = decision.inARow
        if (decision.action === 'giveUp') throw gaveUp(inARow, death.end)
        await this.#backOff(decision.delayMs)
      }
    } finally {
      this.#sampler.stop()
      this.#enter('stopped')
    }
  }

  /** Ends the run cleanly; asked again, it kills the worker instead of waiting. */
  stop(): void {
    if (this.#stopAsked) this.#hurry.resolve('hurry')
    this.#stopAsked = true
    this.#stop.resolve('stop')
  }

  /**
   * Puts other rules in force, for this worker and the next.
   *
   * @throws SpillwayError as `RuleKeeper.change`; then the rules before stay.
   */
  async changeRules(
    rules: Pick<Config, 'rules' | 'exceptionPath'>,
    origin: Exclude<RuleOrigin, 'start'>,
  ): Promise<void> {
    await this.#keeper.change(withRules(this.#plan, rules), origin)
    this.#plan = withRules(this.#plan, rules)
  }

  /** Rules that came with an error of their own. */
  refuseRules(error: unknown): void {
    this.#keeper.refuse(error)
  }

  /** @throws SpillwayError as `CaptureKeeper.start` */
  capture(request: CaptureRequest): Promise<RunningCapture> {
    return this.#captures.start(request)
  }

  endCapture(): void {
    this.#captures.stop()
  }

  /** Something the worker did made this process stumble, e.g. bytes on the channel that are no message. */
  blameWorker(message: string): void {
    this.#life?.worker.kill('protocol', message)
  }

  takeSnapshot(): Snapshot {
    return this.#counters.takeSnapshot()
  }

  get rates(): Rates {
    return this.#sampler.rates
  }

  /** Loops that made no turn in the last whole interval. */
  get standingLcores(): string[] {
    if (!this.#sampler.wholeInterval) return []
    return [...this.#sampler.rates.lcores].filter(([, { polls }]) => polls === 0).map(([lcore]) => lcore)
  }

  verdictOf(rule: string): string {
    return this.#keeper.verdictOf(rule)
  }

  get view(): SupervisorView {
    const pid = this.#life?.worker.pid
    return {
      state: this.#state,
      plan: this.#plan,
      startedAtMs: this.#startedAtMs,
      worker: pid === undefined ? null : { pid, forwardingSinceMs: this.#life?.forwardingSinceMs ?? null },
      info: this.#info,
      addresses: this.#addresses,
      removedPorts: this.#ports.removedPorts,
      findings: this.#ports.findings,
      mtus: this.#ports.mtus,
      vitals: this.#vitals,
      restarts: this.#restarts,
      lastDeath: this.#lastDeath,
      rules: this.#keeper.state,
    }
  }

  /** One worker from spawn to reaping. Resolves to nothing when it ended because it was asked to. */
  async #liveOnce(): Promise<{ end: WorkerEnd; forwardedMs: number } | undefined> {
    this.#enter('starting')
    await Promise.race([this.#options.beforeEachWorker?.(), this.#stop.promise])
    if (this.#stopAsked) return undefined
    const life = this.#spawn()
    try {
      const outcome = await Promise.race([this.#bringUp(life), life.worker.ended, this.#stop.promise])
      if (outcome === 'forwarding') await this.#watch(life)
      if (this.#stopAsked) return await this.#stopWorker(life)
      const end = await life.worker.ended
      return this.#recordDeath(life, end)
    } finally {
      this.#forget(life)
    }
  }

  #spawn(): Life {
    const file = CounterFile.create()
    this.#ports.reset()
    const started = promiseWithSettlers<StartInfo>()
    const worker = new WorkerProcess(this.#options.worker, file.fd, (report) => this.#receive(life, report))
    const life: Life = { worker, file, started, failure: undefined, forwardingSinceMs: null }
    this.#life = life
    log.info({ pid: worker.pid }, 'worker spawned')
    return life
  }

  /** start → started → rules → rulesInForce. Whatever fails on the way ends the worker and stays in `failure`. */
  async #bringUp(life: Life): Promise<'forwarding' | 'failed'> {
    const { worker } = life
    const deadlineMs = this.#options.startDeadlineMs ?? START_DEADLINE_MS
    const inTime = new AbortController()
    sleep(deadlineMs, undefined, { signal: inTime.signal, ref: false }).then(
      () => worker.kill('start_timeout', `was not forwarding after ${deadlineMs} ms`),
      () => {},
    )
    try {
      worker.send({ type: 'start', plan: this.#plan })
      const info = await Promise.race([life.started.promise, worker.ended.then(() => null)])
      if (!info) return 'failed'
      this.#adopt(life, info)
      await this.#placeWorker(worker)
      await this.#keeper.begin(
        {
          send: (request) => worker.send(request),
          useLayout: (layout) => this.#counters.useLayout(layout),
          onSilence: () => worker.kill('rules_timeout', 'did not answer to a rule list in time'),
        },
        info.addresses,
      )
      life.forwardingSinceMs = performance.now()
      worker.markForwarding()
      this.#captures.begin({ send: (request) => worker.send(request), info, mtus: () => this.#ports.mtus })
      this.#everForwarded = true
      this.#sampler.restart()
      if (!this.#stopAsked) this.#enter('running')
      return 'forwarding'
    } catch (error) {
      if (error instanceof SpillwayError) life.failure ??= error
      worker.kill('start_failed', error instanceof Error ? error.message : String(error))
      return 'failed'
    } finally {
      inTime.abort()
    }
  }

  #adopt(life: Life, info: StartInfo): void {
    this.#info = info
    this.#addresses = info.addresses
    this.#ports.adopt(info.ports)
    this.#counters.beginLife(life.file, info.layout)
  }

  /** Only now it has all its threads: those of EAL, of the exception path and of vhost. */
  async #placeWorker({ pid }: WorkerProcess): Promise<void> {
    const { housekeeping, pinning } = this.#plan.cpus
    if (pinning !== 'each' || pid === undefined) return
    try {
      await pinThreads(housekeeping, pid)
    } catch (err) {
      log.warn({ err, pid }, 'threads of the worker could not be pinned one by one')
    }
  }

  async #watch({ worker }: Life): Promise<void> {
    const stopWatching = startWatchdog(
      this.#options.stallMs,
      () => this.#counters.readWorker(),
      ({ cause, message }) => worker.kill(cause, message),
    )
    await Promise.race([worker.ended, this.#stop.promise])
    stopWatching()
  }

  async #stopWorker({ worker }: Life): Promise<undefined> {
    this.#enter('stopping')
    const { exitCode, signal } = await worker.stop(this.#hurry.promise)
    if (exitCode === 0) log.info({ pid: worker.pid }, 'worker stopped')
    else log.warn({ pid: worker.pid, exitCode, signal }, 'worker did not stop cleanly')
  }

  #recordDeath(life: Life, end: WorkerEnd): { end: WorkerEnd; forwardedMs: number } {
    const { cause, message, exitCode, signal, crashLines, recentLines } = end
    const { pid } = life.worker
    const err = life.failure ?? new SpillwayError('ERR_WORKER', `worker ${pid} ${message}`)
    const fields = { err, cause, pid, exitCode, signal, crash: crashLines, lastLines: recentLines }
    if (!this.#everForwarded && life.failure && isHopeless(life.failure)) {
      log.error(fields, 'worker cannot start')
      throw life.failure
    }
    log.error(fields, 'worker died')
    this.#restarts[cause] += 1
    this.#lastDeath = { at: new Date(), cause, message }
    const forwardedMs = life.forwardingSinceMs === null ? 0 : performance.now() - life.forwardingSinceMs
    return { end, forwardedMs }
  }

  /** The worker is reaped: its last counters join the totals, its file goes. */
  #forget(life: Life): void {
    this.#keeper.end()
    this.#captures.end()
    this.#counters.endLife()
    life.file.close()
    this.#life = undefined
    this.#vitals = null
    this.#sampler.restart()
    this.#options.afterEachWorker?.()
  }

  async #backOff(delayMs: number): Promise<void> {
    this.#enter('waiting')
    log.info({ delayMs }, 'next worker starts after the back-off')
    const waited = new AbortController()
    await Promise.race([this.#pause(delayMs, waited.signal), this.#stop.promise])
    waited.abort()
  }

  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    await sleep(delayMs, undefined, { signal }).catch(() => {})
    await waitForHugepages(this.#plan.memory, signal)
  }

  #receive(life: Life, report: WorkerReport): void {
    switch (report.type) {
      case 'started':
        life.started.resolve(report.info)
        break
      case 'failed':
        this.#failed(life, errorOf(report.error))
        break
      case 'rulesInForce':
      case 'rulesRefused':
        this.#keeper.answer(report)
        break
      case 'captureStarted':
      case 'captureRefused':
      case 'captureEnded':
        this.#captures.answer(report)
        break
      case 'event':
        this.#takeEvent(report.event)
        break
      case 'vitals':
        this.#vitals = report
        break
      case 'stopped':
        break
      default:
        assertNever(report)
    }
  }

  /** The worker has given up by itself; it gets a moment to leave in order. */
  #failed(life: Life, error: SpillwayError): void {
    life.failure ??= error
    const cause = life.forwardingSinceMs === null ? 'start_failed' : 'failed'
    life.worker.blame(cause, error.message)
    void sleep(EXIT_AFTER_STOPPED_MS).then(() => life.worker.kill(cause, error.message))
  }

  #takeEvent(event: PortEvent): void {
    this.#ports.take(event)
    switch (event.kind) {
      case 'addresses':
        log.info({ addresses: event.addresses }, 'addresses of a tap changed')
        this.#addresses = event.addresses
        this.#keeper.follow(event.addresses)
        break
      case 'link':
        log.info({ port: event.port, up: event.up, speedMbps: event.speedMbps }, 'link of a port changed')
        break
      case 'removed':
        log.error({ port: event.port }, 'device of a port was removed')
        break
      case 'returned':
        log.info({ port: event.port }, 'device of a port is back, and the port with it')
        break
      case 'reset':
        log.warn({ port: event.port }, 'device of a port was reset, the port is back')
        break
      case 'filters':
        logFilters(event)
        break
      case 'neighbour':
        if (event.why === null) log.info({ port: event.port }, 'neighbour has come')
        break
      case 'mtu':
        log.info(
          { port: event.port, mtuBytes: event.mtuBytes, tapMtuBytes: event.tapMtuBytes },
          'MTU of a port and its tap',
        )
        break
      default:
        assertNever(event)
    }
  }

  /** The only place where the state changes. */
  #enter(state: SupervisorState): void {
    log.debug({ from: this.#state, to: state }, 'state changed')
    this.#state = state
  }
}

/** What it did not take is a finding. */
function logFilters({ port, multicast, vlans, unicast }: PortFilters): void {
  const { groups, all } = multicast
  const fields = { port, multicastGroups: groups, allMulticast: all, vlans: vlans.told, unicastAddresses: unicast.told }
  log.info(fields, 'port was told what its tap listens to')
}

/** Errors that a restart does not mend: the operator or the host has to do something first. */
function isHopeless({ exitCode }: SpillwayError): boolean {
  return exitCode === 64 || exitCode === 69 || exitCode === 78
}

function gaveUp(inARow: number, { message, cause }: WorkerEnd): SpillwayError {
  return new SpillwayError(
    'ERR_WORKER_GAVE_UP',
    `${inARow} workers in a row died; the last one (${cause}) ${message}`,
    {
      hint: 'the log has the last lines of each; restart.maxFailures decides how often is too often',
    },
  )
}
