import { createLogger, type LogLevel, logLevels, writeLogLine } from '../log.js'

/** Enough for EAL's and a PMD's complaint with its context. */
const KEPT_LINES = 50

const dpdkLog = createLogger({ component: 'dpdk' })
const crashLog = createLogger({ component: 'crash' })
const workerLog = createLogger({ component: 'worker' })

export type WorkerLine =
  | { readonly kind: 'json'; readonly level: LogLevel; readonly text: string }
  | { readonly kind: 'dpdk'; readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly text: string }
  | { readonly kind: 'crash'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }

/** Says what a line of the worker's stderr is. Never throws: a worker out of its mind prints anything. */
export function parseWorkerLine(line: string): WorkerLine {
  const level = line.startsWith('{') ? levelOf(line) : undefined
  if (level) return { kind: 'json', level, text: line }
  const dpdk = /^@dpdk ([1-8]) ?(.*)$/s.exec(line)
  if (dpdk) return { kind: 'dpdk', level: dpdkLevel(Number(dpdk[1])), text: dpdk[2] ?? '' }
  const crash = /^@crash ?(.*)$/s.exec(line)
  if (crash) return { kind: 'crash', text: crash[1] ?? '' }
  return { kind: 'text', text: line }
}

/** Passes a worker's lines on to our log and keeps the last ones for the error that may follow. */
export class WorkerLog {
  readonly #pid: number | undefined
  readonly #recent: string[] = []
  readonly #crash: string[] = []

  constructor(pid: number | undefined) {
    this.#pid = pid
  }

  take(text: string): void {
    const line = parseWorkerLine(text)
    this.#keep(line)
    const fields = { pid: this.#pid }
    switch (line.kind) {
      case 'json':
        if (workerLog.isLevelEnabled(line.level)) writeLogLine(line.text)
        break
      case 'dpdk':
        dpdkLog[line.level](fields, line.text)
        break
      case 'crash':
        crashLog.fatal(fields, line.text)
        break
      case 'text':
        workerLog.warn(fields, line.text)
        break
    }
  }

  /** Oldest first. */
  get recentLines(): readonly string[] {
    return this.#recent
  }

  /** Signal and backtrace, when there was a crash. */
  get crashLines(): readonly string[] {
    return this.#crash
  }

  #keep(line: WorkerLine): void {
    if (line.kind === 'crash' && this.#crash.length < 2 * KEPT_LINES) this.#crash.push(line.text)
    this.#recent.push(line.text)
    if (this.#recent.length > KEPT_LINES) this.#recent.shift()
  }
}

/** Of a log line of our own kind; undefined for anything else. The worker does not know the level that is set here. */
function levelOf(line: string): LogLevel | undefined {
  try {
    const { level } = JSON.parse(line) as { level?: unknown }
    return logLevels.find((known) => known === level)
  } catch {
    return undefined
  }
}

/** RTE levels: 1 emergency, 2 alert, 3 critical, 4 error, 5 warning, 6 notice, 7 info, 8 debug. */
function dpdkLevel(level: number): 'error' | 'warn' | 'info' | 'debug' {
  if (level <= 4) return 'error'
  if (level === 5) return 'warn'
  return level <= 7 ? 'info' : 'debug'
}
