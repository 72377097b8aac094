import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { WorkerReport, WorkerRequest } from '../ipc/messages.js'
import { workerRequest } from '../ipc/messages.js'
import { createLogger } from '../log.js'
import type { Plan } from '../plan/types.js'
import { reportError } from './explain.js'
import { type NativeEvent, native, stopStuck } from './native.js'

/**
 * The worker's entry: one life of the data plane. It obeys the channel and nothing else: a signal that reaches the
 * whole process group must not end it before the supervisor asks, and a closed channel means stop.
 */

/** Descriptor of the counter file, the fifth that the supervisor hands over. */
const COUNTERS_FD = 4
const VITALS_INTERVAL_MS = 1000

const log = createLogger({ component: 'worker' })

/** Resolves when the channel took the message: leaving earlier would lose it. */
function report(message: WorkerReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, () => resolve())
    else resolve()
  })
}

function watchVitals(): void {
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  setInterval(() => {
    // The histogram measures the timer's period too; what is above it is lag.
    const lag = Math.max(0, delay.percentile(99) / 1e9 - 0.02)
    delay.reset()
    void report({
      type: 'vitals',
      eventLoopLagP99Seconds: Number.isFinite(lag) ? lag : 0,
      heapUsedBytes: process.memoryUsage().heapUsed,
    })
  }, VITALS_INTERVAL_MS).unref()
}

class DataPlane {
  #plan: Plan | undefined
  #stopping = false

  async start(plan: Plan): Promise<void> {
    this.#plan = plan
    const onEvent = (event: NativeEvent): void => {
      switch (event.kind) {
        case 'tapReplaced':
          return void this.#giveUp(`the tap of port ${event.port} was deleted and made again`)
        case 'captureEnded':
          return void report({ type: 'captureEnded', result: event.result })
        case 'resetFailed':
          return void this.#giveUp(`port ${event.port} did not come back after a reset: ${event.message}`)
        default:
          void report({ type: 'event', event })
      }
    }
    try {
      const info = await native.start(plan, COUNTERS_FD, onEvent)
      await report({ type: 'started', info })
      watchVitals()
    } catch (error) {
      await report({ type: 'failed', error: reportError(error, plan) })
      leave(1)
    }
  }

  async swapRules({ id, rules }: Extract<WorkerRequest, { type: 'rules' }>): Promise<void> {
    try {
      await report({ type: 'rulesInForce', id, layout: await native.swapRules(rules) })
    } catch (error) {
      if (this.#plan === undefined) throw error
      await report({ type: 'rulesRefused', id, error: reportError(error, this.#plan) })
    }
  }

  async capture({ id, capture, filter }: Extract<WorkerRequest, { type: 'capture' }>): Promise<void> {
    try {
      await native.startCapture(capture, filter)
      await report({ type: 'captureStarted', id })
    } catch (error) {
      if (this.#plan === undefined) throw error
      await report({ type: 'captureRefused', id, error: reportError(error, this.#plan) })
    }
  }

  /** Only another life helps: it attaches to the new tap, or probes the device anew. */
  async #giveUp(message: string): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    await report({ type: 'failed', error: { code: 'ERR_WORKER', message } })
    logMissing(await native.stop())
    leave(1)
  }

  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    if (this.#plan !== undefined) logMissing(await native.stop())
    await report({ type: 'stopped' })
    leave(0)
  }
}

function logMissing(missing: number): void {
  if (missing === stopStuck) log.error('an lcore stands still, or a vhost-user neighbour hangs: nothing was freed')
  else if (missing > 0) log.error({ missing }, 'mbufs did not come back to their pools')
}

/** EAL's leftovers are not worth an orderly end of the process, and some of its threads would not have one. */
function leave(code: number): void {
  if (process.connected) process.disconnect()
  process.exit(code)
}

const dataPlane = new DataPlane()

function obey(request: WorkerRequest): Promise<void> {
  switch (request.type) {
    case 'start':
      return dataPlane.start(request.plan)
    case 'rules':
      return dataPlane.swapRules(request)
    case 'capture':
      return dataPlane.capture(request)
    case 'endCapture':
      return native.stopCapture()
    case 'stop':
      return dataPlane.stop()
  }
}

process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('disconnect', () => void dataPlane.stop())
process.on('message', (message) => {
  const request = workerRequest.safeParse(message)
  if (request.success) void obey(request.data)
  else log.error({ problem: request.error.message }, 'the supervisor sent a message that is none')
})
