import { createWriteStream } from 'node:fs'
import { request } from 'node:http'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { askControl, readRefusal, unreachable } from '../control/client.js'
import { socketOf } from '../control/socket-option.js'
import { SpillwayError } from '../errors.js'
import { captureSummary, formatSummary } from './summary.js'

export interface CaptureOptions {
  readonly port?: readonly string[]
  readonly where?: readonly string[]
  readonly filter?: string
  readonly output?: string
  readonly count?: number
  readonly seconds?: number
  readonly sample?: number
  readonly snaplen?: number
  readonly pps?: number
  readonly socket?: string
}

const path = '/api/v1/capture'

/**
 * Writes what a running instance captures, until it ends by itself, a signal asks for its end, or the reader has enough.
 * What came of it goes to stderr.
 *
 * @throws SpillwayError what the instance refused; `ERR_USAGE` when stdout is a terminal
 */
export async function runCapture(options: CaptureOptions): Promise<void> {
  const { output } = options
  if (output === undefined && process.stdout.isTTY) {
    throw new SpillwayError('ERR_USAGE', 'expected a file or a pipe to write to, found a terminal', {
      hint: 'name a file with --output, or end with "| tcpdump -n -r -"',
    })
  }
  const socket = await socketOf(options)
  // What the instance has seen so far still comes: it is asked to end, and then ends the answer.
  const end = (): void => void askControl(socket, { method: 'DELETE', path }).catch(() => {})
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const summary = await copy(
    socket,
    queryOf(options),
    output === undefined ? process.stdout : createWriteStream(output),
  )
  process.stderr.write(summary === null ? 'capture: the worker ended with it\n' : formatSummary(summary))
}

function queryOf({ port = [], where = [], output: _, socket: __, ...rest }: CaptureOptions): string {
  const single = Object.entries(rest).map(([key, value]) => [key, String(value)] as [string, string])
  const repeated = [
    ...port.map((name): [string, string] => ['port', name]),
    ...where.map((place): [string, string] => ['where', place]),
  ]
  return new URLSearchParams([...repeated, ...single]).toString()
}

function copy(socketPath: string, query: string, to: Writable) {
  return new Promise<ReturnType<typeof captureSummary.parse> | null>((resolve, reject) => {
    const asked = request({ socketPath, path: `${path}?${query}` }, (answer) => {
      if (answer.statusCode !== 200) {
        readRefusal(socketPath, answer).then(reject, reject)
        return
      }
      pipeline(answer, to).then(
        () =>
          resolve(captureSummary.nullable().parse(JSON.parse(String(answer.trailers['spillway-capture'] ?? 'null')))),
        (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? resolve(null) : reject(error)),
      )
    })
    asked.on('error', (error: NodeJS.ErrnoException) => reject(unreachable(socketPath, error.code ?? error.message)))
    asked.end()
  })
}
