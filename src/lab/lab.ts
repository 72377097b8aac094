import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../errors.js'
import { writeLogLine } from '../log.js'
import { narrowAffinity } from '../supervisor/affinity.js'
import { type Display, makeDisplay } from './display.js'
import { openHttpSocket } from './http-socket.js'
import { errorOf, type Instance, startInstance } from './instance.js'
import { formatSettings, housekeepingCpus, labSettings, readAllowedCpus } from './lab-config.js'
import { openNamespaces } from './namespaces.js'
import { checkMachine, type Isolation, widenPath } from './prechecks.js'
import { builtPrograms } from './processes.js'
import { makeRunFolder } from './run-folder.js'
import { settledStatus } from './settle.js'
import { findBrokenPromises, formatSummary, type Outcome } from './summary.js'
import { Teardown } from './teardown.js'
import { buildTopology } from './topology.js'
import { startTraffic, type Traffic } from './traffic.js'

export interface LabOptions {
  /** Null: until somebody ends it. */
  readonly durationMs: number | null
  readonly http: { readonly host: string; readonly port: number }
  readonly udpPps: number
  /** Every line of the instance's log, not only warnings. */
  readonly verbose: boolean
}

const frameMs = 1_000

/**
 * Builds the lab, runs Spillway in it, sends traffic, shows what happens and takes everything down again.
 *
 * @param ask  aborted when somebody asks the lab to end; it then ends in order and without an error.
 * @throws SpillwayError what the machine lacks, what the instance ended with, or `ERR_INTERNAL` naming what a lab
 *   promises and this one did not show.
 */
export async function runLab(options: LabOptions, ask: AbortSignal): Promise<void> {
  process.env.PATH = widenPath(process.env.PATH ?? '')
  const teardown = new Teardown()
  try {
    await inTheLab(options, ask, teardown)
  } finally {
    await teardown.run()
  }
}

async function inTheLab(options: LabOptions, ask: AbortSignal, teardown: Teardown): Promise<void> {
  const isolation = await checkMachine()
  const folder = await makeRunFolder()
  teardown.defer(() => folder.remove())
  const namespaces = await openNamespaces(isolation)
  teardown.defer(() => namespaces.close())
  const topology = await buildTopology(namespaces)
  const cpus = readAllowedCpus()
  const configFile = await folder.write('spillway.yaml', formatSettings(labSettings(cpus)))
  if (ask.aborted) return

  const http = await openHttpSocket(options.http)
  const display = makeDisplay(process.stdout, http.url)
  const onLine = (line: string): void => showLogLine(line, options.verbose, display)
  const instance = startInstance({ pod: namespaces.pod, configFile, folder: folder.path, http, onLine })
  teardown.defer(() => instance.stop())
  // The instance has all CPUs to plan with; the lab and its traffic keep off those that poll.
  await narrowAffinity(housekeepingCpus(cpus))
  const endings = watchEndings(instance, ask)
  await Promise.race([instance.ready(), endings.asked, endings.failed])
  if (ask.aborted) return
  for (const line of welcome(instance.url, isolation)) display.print(line)

  const traffic = await startTraffic(namespaces, topology, {
    udpPps: options.udpPps,
    programs: builtPrograms,
    onFailure: endings.fail,
  })
  teardown.defer(() => traffic.stop())
  const startedAt = performance.now()
  const seconds = (): number => (performance.now() - startedAt) / 1000
  const showing = showEverySecond({ instance, traffic, display, seconds })
  teardown.defer(async () => showing.stop())
  await Promise.race([endings.asked, endings.failed, ...patience(options.durationMs)])
  showing.stop()

  const took = seconds()
  const outcome = { seconds: took, traffic: await traffic.stop(), status: await settledStatus(instance) }
  display.finish()
  for (const line of formatSummary(outcome)) display.print(line)
  const end = await instance.stop()
  if (end.exitCode !== 0) throw errorOf(end, instance.lastLines())
  // Whoever ends the lab early may have seen too little.
  if (!ask.aborted) judge(outcome)
}

function patience(durationMs: number | null): readonly Promise<void>[] {
  return durationMs === null ? [] : [sleep(durationMs)]
}

interface Endings {
  /** Resolves when somebody asks the lab to end. */
  readonly asked: Promise<void>
  /** Rejects when a part of the lab ends that must not. */
  readonly failed: Promise<never>
  fail(error: SpillwayError): void
}

function watchEndings(instance: Instance, ask: AbortSignal): Endings {
  const asked = new Promise<void>((resolve) => {
    if (ask.aborted) resolve()
    ask.addEventListener('abort', () => resolve(), { once: true })
  })
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  // Also after the race is over, e.g. at the end that the lab itself brings about.
  failed.catch(() => {})
  instance.ended.then((end) => fail(errorOf(end, instance.lastLines())), fail)
  return { asked, failed, fail }
}

interface Showing {
  stop(): void
}

interface Shown {
  readonly instance: Instance
  readonly traffic: Traffic
  readonly display: Display
  readonly seconds: () => number
}

function showEverySecond({ instance, traffic, display, seconds }: Shown): Showing {
  let stopped = false
  const show = async (): Promise<void> => {
    // An instance that is too busy to answer, or on its way out, is a state to show and no reason to end.
    const status = await instance.status().catch(() => null)
    const count = await traffic.count()
    if (!stopped) display.show({ seconds: seconds(), status, traffic: count })
  }
  const timer = setInterval(() => void show().catch((error: unknown) => display.print(String(error))), frameMs)
  return {
    stop: () => {
      stopped = true
      clearInterval(timer)
    },
  }
}

function showLogLine(line: string, verbose: boolean, display: Display): void {
  // The instance's last words are shown by whoever handles the error.
  if (/^(spillway: ERR_| {2}hint: )/.test(line)) return
  const calm = /^\{"level":"(?:trace|debug|info)"/.test(line)
  if (verbose || !calm) display.around(() => writeLogLine(line))
}

function welcome(url: string, isolation: Isolation): string[] {
  const where = isolation === 'user' ? 'user and network namespaces' : 'network namespaces'
  return [`Spillway forwards in ${where} of its own. Metrics ${url}/metrics, status ${url}/api/v1/status, page ${url}/`]
}

function judge(outcome: Outcome): void {
  const broken = findBrokenPromises(outcome)
  if (broken.length === 0) return
  throw new SpillwayError('ERR_INTERNAL', `the lab did not show what it promises: ${broken.join('; ')}`)
}
