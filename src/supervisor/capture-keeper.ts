import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CaptureRequest, longestSnaplen } from '../capture/request.js'
import type { CaptureSummary } from '../capture/summary.js'
import { SpillwayError } from '../errors.js'
import type { CaptureResult, NativeRule, StartInfo, WorkerReport, WorkerRequest } from '../ipc/messages.js'
import { createLogger } from '../log.js'
import { START_DEADLINE_MS } from './deadlines.js'
import { promiseWithSettlers } from './promise-with-settlers.js'
import { errorOf } from './rule-keeper.js'

const log = createLogger({ component: 'capture' })

const matchAll: NativeRule = { name: 'default', match: [], verdict: 'forward', class: 'other', limit: null }
/** Ethernet header and two VLAN tags. */
const LINK_HEADER_BYTES = 22

export interface RunningCapture {
  /** pcapng, until the capture ends. Destroying it ends the capture. */
  readonly packets: Readable
  /** Null when the worker died with it. */
  readonly summary: Promise<CaptureSummary | null>
}

/** The worker as the keeper sees it. */
export interface CaptureLink {
  send(request: WorkerRequest): void
  readonly info: StartInfo
  /** The MTU that each port has now. */
  mtus(): ReadonlyMap<string, number>
}

interface Exchange {
  readonly id: number
  /** Settles with the worker's answer to the start. */
  answered(error: SpillwayError | null): void
  /** Settles with the end. */
  ended(result: CaptureResult | null): void
}

/** Captures of the worker that lives, one at a time: asks for it and hands on what comes. */
export class CaptureKeeper {
  readonly #folder: string
  readonly #prove: (rules: readonly NativeRule[]) => Promise<unknown>
  #link: CaptureLink | undefined
  #exchange: Exchange | undefined
  #starting = false
  #endAsked = false
  #lastId = 0

  /**
   * @param folder  of this run, where nobody else can put or open a socket
   * @param prove  rejects when a filter does not compile
   */
  constructor(folder: string, prove: (rules: readonly NativeRule[]) => Promise<unknown>) {
    this.#folder = folder
    this.#prove = prove
  }

  begin(link: CaptureLink): void {
    this.#link = link
  }

  /** The worker is gone, and its end of the socket with it. */
  end(): void {
    this.#link = undefined
    this.#exchange?.answered(new SpillwayError('ERR_WORKER', 'the worker ended before the capture began'))
    this.#exchange?.ended(null)
    this.#exchange = undefined
  }

  answer(report: Extract<WorkerReport, { type: 'captureStarted' | 'captureRefused' | 'captureEnded' }>): void {
    const exchange = this.#exchange
    if (exchange === undefined) return
    if (report.type === 'captureEnded') {
      this.#exchange = undefined
      exchange.ended(report.result)
    } else if (report.id === exchange.id) {
      exchange.answered(report.type === 'captureStarted' ? null : errorOf(report.error))
    }
  }

  /** Asks the capture to end; what it has seen so far still comes. */
  stop(): void {
    // One that is about to begin may be overtaken by this.
    this.#endAsked = true
    this.#link?.send({ type: 'endCapture' })
  }

  /** @throws SpillwayError `ERR_BUSY` while there is one, `ERR_RULE` for a filter that does not compile, `ERR_WORKER` */
  async start(request: CaptureRequest): Promise<RunningCapture> {
    if (this.#starting || this.#exchange !== undefined) {
      throw new SpillwayError('ERR_BUSY', 'another capture is under way', { hint: 'end it, or wait until it ends' })
    }
    this.#starting = true
    this.#endAsked = false
    try {
      const filter = filterRules(request.filter)
      await this.#prove(filter)
      return await this.#open(request, filter)
    } finally {
      this.#starting = false
    }
  }

  async #open(request: CaptureRequest, filter: NativeRule[]): Promise<RunningCapture> {
    const link = this.#link
    if (link === undefined) throw new SpillwayError('ERR_WORKER', 'no worker runs that could capture')
    const path = join(this.#folder, 'capture.sock')
    const server = await listenAt(path)
    try {
      const connected = once(server, 'connection') as Promise<[Socket]>
      const { started, summary } = this.#ask(link, request, filter, path)
      await withinDeadline(started).catch((error: unknown) => {
        this.#exchange = undefined
        throw error
      })
      const [packets] = await connected
      if (this.#endAsked) this.stop()
      log.info({ where: request.points, ports: request.ports, filter: request.filter }, 'capture began')
      return { packets, summary }
    } finally {
      server.close()
      rmSync(path, { force: true })
    }
  }

  #ask(link: CaptureLink, request: CaptureRequest, filter: NativeRule[], socket: string) {
    this.#lastId += 1
    const id = this.#lastId
    const beganMs = performance.now()
    const answer = promiseWithSettlers<void>()
    const end = promiseWithSettlers<CaptureResult | null>()
    const answered = (error: SpillwayError | null): void => (error === null ? answer.resolve() : answer.reject(error))
    this.#exchange = { id, answered, ended: end.resolve }
    const { ports, points, reasons, sample, pps, count, seconds } = request
    const capture = {
      ports: ports.length > 0 ? [...ports] : link.info.ports.map(({ name }) => name),
      points: [...points],
      reasons: [...reasons],
      snaplen: request.snaplen ?? longestFrame(request, link.mtus()),
      sample,
      pps,
      count,
      durationMs: seconds * 1000,
      socket,
    }
    link.send({ type: 'capture', id, capture, filter })
    return {
      started: answer.promise,
      summary: end.promise.then((result) => result && summarize(result, beganMs, link.info)),
    }
  }
}

function filterRules(expression: string | null): NativeRule[] {
  return expression === null ? [matchAll] : [{ ...matchAll, name: 'filter', match: [expression.trim()] }, matchAll]
}

/** What is dropped may be longer than what the ports carry. */
function longestFrame({ points }: CaptureRequest, mtus: ReadonlyMap<string, number>): number {
  if (points.includes('dropped')) return longestSnaplen
  return Math.min(longestSnaplen, Math.max(0, ...mtus.values()) + LINK_HEADER_BYTES)
}

/** A worker that does not answer may yet: its capture then ends with the connection that nobody reads. */
async function withinDeadline(started: Promise<void>): Promise<void> {
  const answered = new AbortController()
  const late = sleep(START_DEADLINE_MS, undefined, { signal: answered.signal, ref: false }).then(() => {
    throw new SpillwayError('ERR_WORKER', `the worker did not begin the capture in ${START_DEADLINE_MS / 1000} s`)
  })
  late.catch(() => {})
  await Promise.race([started, late]).finally(() => answered.abort())
}

function summarize(result: CaptureResult, beganMs: number, { lcores, ports, tscHz }: StartInfo): CaptureSummary {
  const threads = Math.max(0, ...ports.map(({ exception }) => exception.queues))
  const summary = {
    ...result,
    seconds: (performance.now() - beganMs) / 1000,
    tscHz,
    producers: lcores.length + threads,
  }
  log.info(summary, 'capture ended')
  return summary
}

async function listenAt(path: string): Promise<Server> {
  const server = createServer()
  server.maxConnections = 1
  server.listen(path)
  await once(server, 'listening')
  return server
}
