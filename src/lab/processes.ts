import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { SpillwayError } from '../errors.js'
import { endWithin } from './commands.js'
import type { Namespace } from './namespaces.js'

export interface SpawnOptions {
  readonly stdio: StdioOptions
  readonly env?: NodeJS.ProcessEnv
  /** What the kernel sends when the lab itself is gone, however it went. */
  readonly whenOrphaned: 'SIGKILL' | 'SIGTERM'
}

/**
 * Starts a long-lived process inside a namespace. It is a session of its own: Ctrl-C in the lab's terminal reaches
 * the lab alone, which then ends everything in order.
 */
export function spawnInside(
  namespace: Pick<Namespace, 'enter'>,
  argv: readonly string[],
  { stdio, env, whenOrphaned }: SpawnOptions,
): ChildProcess {
  const [file = '', ...args] = namespace.enter(['setpriv', '--pdeathsig', whenOrphaned, '--', ...argv])
  return spawn(file, args, { stdio, env: { ...process.env, ...env, LC_ALL: 'C' }, detached: true })
}

/** Where the lab's built programs are; tests that run the sources name the built ones. */
export const builtPrograms = new URL('./programs/', import.meta.url)

export interface ProgramSpec<T> {
  readonly folder: URL
  readonly name: string
  readonly args: readonly string[]
  readonly report: z.ZodType<T>
}

export interface ProgramHandlers<T> {
  readonly onReport: (report: T) => void
  /** The program ended before `stop`, or reported something else: our bug. */
  readonly onFailure: (error: SpillwayError) => void
}

export interface Program {
  readonly pid: number | undefined
  /** Closes the channel, which the program takes as the request to end; waits, then kills. */
  stop(): Promise<void>
}

/** A program ends within milliseconds, a transfer in hand within the same; a transfer that hangs is cut. */
const stopPatienceMs = 2_000

/** Starts one of the lab's own programs and hands over its reports, parsed. */
export function startProgram<T>(
  namespace: Pick<Namespace, 'enter'>,
  { folder, name, args, report }: ProgramSpec<T>,
  { onReport, onFailure }: ProgramHandlers<T>,
): Program {
  const argv = [process.execPath, fileURLToPath(new URL(name, folder)), ...args]
  const child = spawnInside(namespace, argv, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], whenOrphaned: 'SIGKILL' })
  let stopping = false
  let said = ''
  const fail = (reason: string): void => {
    if (!stopping) onFailure(new SpillwayError('ERR_INTERNAL', `the lab's ${name} ${reason}`))
  }
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    said = (said + chunk).slice(-2000)
  })
  child.on('message', (message) => {
    const parsed = report.safeParse(message)
    if (parsed.success) onReport(parsed.data)
    else fail(`reported nonsense: ${z.prettifyError(parsed.error)}`)
  })
  child.once('error', (error) => fail(`did not start: ${error.message}`))
  child.once('close', (code, signal) => fail(`ended by itself (${signal ?? code}): ${said.trim()}`))
  return {
    pid: child.pid,
    stop: async () => {
      stopping = true
      if (child.connected) child.disconnect()
      await endWithin(child, stopPatienceMs)
    },
  }
}
