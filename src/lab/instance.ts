import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isErrorCode, SpillwayError } from '../errors.js'
import { type Status, statusSchema } from '../http/status.js'
import { endWithin } from './commands.js'
import type { HttpSocket } from './http-socket.js'
import type { Namespace } from './namespaces.js'
import { spawnInside } from './processes.js'

export interface Ended {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** The `spillway run` inside the pod namespace: the production process tree. */
export interface Instance {
  readonly pid: number
  readonly url: string
  /** Settled when the process is gone. */
  readonly ended: Promise<Ended>
  /** Resolves when it forwards. @throws SpillwayError what it ended with, or `ERR_INTERNAL` after the deadline. */
  ready(): Promise<void>
  status(): Promise<Status>
  get(path: string): Promise<string>
  /** SIGTERM, wait, kill. */
  stop(): Promise<Ended>
  /** Everything it wrote to stdout: the final counters. */
  readonly output: () => string
  /** The last lines it wrote to stderr, oldest first. */
  readonly lastLines: () => readonly string[]
}

export interface InstanceSpec {
  readonly pod: Namespace
  readonly configFile: string
  /** Where it keeps its own files. */
  readonly folder: string
  readonly http: HttpSocket
  /** A command line that gives up rights and then runs what follows. */
  readonly through?: readonly string[]
  readonly onLine?: (line: string) => void
}

/** The built command; from dist/lab as from src/lab. */
const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))

/** The instance's own deadline for a start is 30 s, and it may need more than one. */
const readyDeadlineMs = 90_000
const readyPollMs = 50
/** A stop takes at most 2 s by the instance's own deadlines. */
const stopPatienceMs = 10_000
const requestPatienceMs = 5_000
const linesKept = 50

/** Starts `run` with the HTTP socket as descriptor 3, and lets go of the socket here. */
export function startInstance({ pod, configFile, folder, http, through = [], onLine }: InstanceSpec): Instance {
  const child = spawnInside(pod, [...through, process.execPath, command, 'run', '--config', configFile], {
    stdio: ['ignore', 'pipe', 'pipe', http.fd],
    env: instanceEnvironment(folder),
    whenOrphaned: 'SIGTERM',
  })
  http.close()
  const output = collectOutput(child)
  const lines = keepLastLines(child, onLine)
  const ended = endOf(child)
  const get = (path: string): Promise<string> => request(`${http.url}${path}`)
  return {
    pid: child.pid ?? 0,
    url: http.url,
    ended,
    get,
    status: async () => statusSchema.parse(JSON.parse(await get('/api/v1/status'))),
    ready: () => becomeReady(http.url, ended, () => lines),
    stop: async () => {
      child.kill('SIGTERM')
      await endWithin(child, stopPatienceMs)
      return await ended
    },
    output,
    lastLines: () => lines,
  }
}

/** The lab's settings are in the file; the caller's SPILLWAY_ variables would win over it. */
export function instanceEnvironment(folder: string): NodeJS.ProcessEnv {
  const ours = Object.keys(process.env).filter((name) => name.startsWith('SPILLWAY_'))
  return { ...Object.fromEntries(ours.map((name) => [name, undefined])), TMPDIR: folder, RUNTIME_DIRECTORY: folder }
}

async function becomeReady(url: string, ended: Promise<Ended>, lines: () => readonly string[]): Promise<void> {
  const deadline = Date.now() + readyDeadlineMs
  let over: Ended | undefined
  void ended.then((end) => {
    over = end
  })
  while (over === undefined) {
    if (await answersOk(`${url}/readyz`)) return
    if (Date.now() > deadline) throw notStarted(`is not ready after ${readyDeadlineMs / 1000} s`, lines())
    await sleep(readyPollMs)
  }
  throw errorOf(over, lines())
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(requestPatienceMs) })
    await answer.arrayBuffer()
    return answer.ok
  } catch {
    return false
  }
}

async function request(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(requestPatienceMs) })
  const text = await answer.text()
  if (!answer.ok) throw new SpillwayError('ERR_INTERNAL', `${url} answered ${answer.status}: ${text}`)
  return text
}

/** What the instance said on its way out, as the error it was: code, message and hint. */
export function errorOf({ exitCode, signal }: Ended, lines: readonly string[]): SpillwayError {
  const said = lines.map((line) => /^spillway: (ERR_\w+): (.*)$/.exec(line)).filter((match) => match !== null)
  const code = said.at(-1)?.[1]
  if (code === undefined || !isErrorCode(code)) return notStarted(`ended with ${signal ?? exitCode}`, lines)
  const hint = lines.map((line) => /^ {2}hint: (.*)$/.exec(line)?.[1]).findLast((text) => text !== undefined)
  return new SpillwayError(code, said.map((match) => match[2]).join('\n'), { hint })
}

function notStarted(what: string, lines: readonly string[]): SpillwayError {
  return new SpillwayError('ERR_INTERNAL', `the instance in the lab ${what}; its last lines:\n${lines.join('\n')}`)
}

function collectOutput(child: ChildProcess): () => string {
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

function keepLastLines(child: ChildProcess, onLine?: (line: string) => void): readonly string[] {
  const lines: string[] = []
  if (child.stderr === null) return lines
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    if (lines.length > linesKept) lines.shift()
    onLine?.(line)
  })
  return lines
}

/** On `close`, not `exit`: the last lines are still in the pipes. */
function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }))
  })
}
