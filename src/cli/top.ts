import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { SpillwayError } from '../errors.js'
import { keepOffPollingCpus } from '../top/keep-off.js'
import { readStatus } from '../top/read-status.js'
import { Screen } from '../top/screen.js'
import { renderLine, renderTable } from '../top/table.js'

interface TopOptions {
  readonly url: string
  readonly interval: number
  readonly once?: boolean
  readonly json?: boolean
}

/** Wide enough for every column when there is no terminal to fit. */
const PRINTED_WIDTH = 200

export function addTopCommand(program: Command): void {
  program
    .command('top')
    .description('show live rates of a running instance')
    .option('-u, --url <url>', 'the instance', parseUrl, 'http://127.0.0.1:9464')
    .option('-i, --interval <seconds>', 'time between two looks', parseSeconds, 1)
    .option('-1, --once', 'print one table and end')
    .option('--json', 'print /api/v1/status instead of a table, one document a line')
    .action(async (options: TopOptions) => {
      if (options.once || !process.stdout.isTTY || options.json) await print(options)
      else await watch(options)
    })
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

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin
  throw new InvalidArgumentError('expected http://HOST:PORT.')
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (seconds >= 0.1 && seconds <= 3600) return seconds
  throw new InvalidArgumentError('expected seconds from 0.1 to 3600.')
}
