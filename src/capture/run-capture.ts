import { createWriteStream } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
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
 * Writes what a running instance captures, until it ends by itself or a signal asks for its end. A reader of stdout that has
 * enough ends the process in silence, as it does with every command.
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
  // What the instance has seen so far still comes: it is asked to end, and then ends the answer. Asked again, we go.
  const lostPatience = new AbortController()
  let asked = false
  const end = (): void => {
    if (asked) lostPatience.abort()
    asked = true
    askControl(socket, { method: 'DELETE', path }).catch(() => lostPatience.abort())
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const to = output === undefined ? process.stdout : createWriteStream(output)
  process.stderr.write(await copy(socket, queryOf(options), to, lostPatience.signal))
}

function queryOf({ port = [], where = [], output: _, socket: __, ...rest }: CaptureOptions): string {
  const single = Object.entries(rest).map(([key, value]) => [key, String(value)] as [string, string])
  const repeated = [
    ...port.map((name): [string, string] => ['port', name]),
    ...where.map((place): [string, string] => ['where', place]),
  ]
  return new URLSearchParams([...repeated, ...single]).toString()
}

/** @returns what came of it, in words */
function copy(socketPath: string, query: string, to: Writable, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: `${path}?${query}`, signal }, (answer) => {
      if (answer.statusCode !== 200) {
        readRefusal(socketPath, answer).then(reject, reject)
        return
      }
      pipeline(answer, to).then(
        () => resolve(endOf(answer)),
        (error: Error) => reject(interrupted(signal, error)),
      )
    })
    asked.on('error', (error: NodeJS.ErrnoException) =>
      reject(interrupted(signal, unreachable(socketPath, error.code ?? error.message))),
    )
    asked.end()
  })
}

function endOf({ trailers }: IncomingMessage): string {
  const summary = captureSummary.nullable().parse(JSON.parse(String(trailers['spillway-capture'] ?? 'null')))
  return summary === null ? 'capture: the worker ended with it\n' : formatSummary(summary)
}

function interrupted({ aborted }: AbortSignal, error: Error): Error {
  return aborted ? new SpillwayError('ERR_UNREACHABLE', 'the capture was given up before the instance ended it') : error
}
