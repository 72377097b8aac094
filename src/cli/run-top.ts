import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../errors.js'
import { keepOffPollingCpus } from '../top/keep-off.js'
import { readStatus } from '../top/read-status.js'
import { Screen } from '../top/screen.js'
import { renderLine, renderTable } from '../top/table.js'

export interface TopOptions {
  readonly url: string
  readonly interval: number
  readonly once?: boolean
  readonly json?: boolean
}

/** Wide enough for every column when there is no terminal to fit. */
const PRINTED_WIDTH = 200

/**
 * Shows rates, on a terminal in place, until somebody ends it.
 *
 * @throws SpillwayError when there is no instance at the first look
 */
export async function runTop(options: TopOptions): Promise<void> {
  if (options.once || !process.stdout.isTTY || options.json) await print(options)
  else await watch(options)
}

async function print({ url, interval, once = false, json = false }: TopOptions): Promise<void> {
  const stop = stopSignal()
  for (let first = true; first || !once; first = false) {
    if (!first && !(await pause(interval, stop))) return
    const status = await readStatus(url)
    if (first && !once) await keepOffPollingCpus(url, status)
    const text = json
      ? JSON.stringify(status)
      : once
        ? renderTable(status, { width: PRINTED_WIDTH }).join('\n')
        : renderLine(status)
    process.stdout.write(`${text}\n`)
  }
}

/** An instance that is gone may come back: only the first look must succeed. */
async function watch({ url, interval }: TopOptions): Promise<void> {
  const stop = stopSignal()
  let status = await readStatus(url)
  await keepOffPollingCpus(url, status)
  const screen = new Screen(process.stdout)
  try {
    let note = ''
    do {
      screen.draw([...renderTable(status, { width: screen.width }), '', note || `${url}  Ctrl-C ends`])
      if (!(await pause(interval, stop))) return
      try {
        status = await readStatus(url)
        note = ''
      } catch (error) {
        if (!(error instanceof SpillwayError)) throw error
        note = error.message
      }
    } while (!stop.aborted)
  } finally {
    screen.close()
  }
}

function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort())
  return stop.signal
}

/** False when somebody asked to end meanwhile. */
async function pause(seconds: number, signal: AbortSignal): Promise<boolean> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => {})
  return !signal.aborted
}
