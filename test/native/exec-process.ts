import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually, nullPorts } from './run-process.js'

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))

/** The built `spillway exec`, as a container starts it. */
export interface ExecProcess {
  readonly child: ChildProcess
  readonly folder: string
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>
  get(path: string): Promise<{ readonly status: number; readonly text: string }>
  /** Waits for a program; `not` is the pid of the one before. */
  program(not?: number): Promise<number>
  /** Waits until the program has written this line to stdout. */
  says(words: string): Promise<void>
}

export interface ExecSpec {
  readonly options?: readonly string[]
  readonly config?: object
  /** Words before the command. */
  readonly below?: (command: string) => readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

const started: { child: ChildProcess; folder: string }[] = []

/** @param argv  the program and its arguments */
export function startExec(
  argv: readonly string[],
  { options = [], config = {}, below, env }: ExecSpec = {},
): ExecProcess {
  const folder = mkdtempSync(join(tmpdir(), 'x'))
  const file = join(folder, 'spillway.yaml')
  writeFileSync(file, JSON.stringify({ ...nullPorts, log: { format: 'json' }, ...config }))
  const words = [process.execPath, command, 'exec', '--config', file, ...options, '--', ...argv]
  const [program = '', ...args] = below ? below(words.map(quote).join(' ')) : words
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, RUNTIME_DIRECTORY: folder, ...env },
  })
  started.push({ child, folder })
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const ended = once(child, 'close').then(([exitCode, signal]) => ({ exitCode, signal }))
  const logged = (pattern: RegExp): RegExpMatchArray | undefined =>
    // On a terminal both are one.
    [...`${stderr()}${stdout()}`.matchAll(new RegExp(pattern, 'g'))].at(-1)
  const url = (): Promise<string> => eventually('it listens', () => logged(/"address":"(http:[^"]+)"/)?.[1])
  return {
    child,
    folder,
    stdout,
    stderr,
    ended,
    get: async (path) => {
      const answer = await fetch(`${await url()}${path}`)
      return { status: answer.status, text: await answer.text() }
    },
    program: (not) =>
      eventually('a program is started', () => {
        const pid = Number(logged(/"pid":(\d+),"msg":"program started"/)?.[1])
        return pid > 0 && pid !== not ? pid : undefined
      }),
    says: async (wanted) => {
      await eventually(`it says ${wanted}`, () => (lines(stdout()).includes(wanted) ? true : undefined))
    },
  }
}

/** For an `afterEach`. */
export async function endExecs(): Promise<void> {
  for (const { child, folder } of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

export function processState(pid: number): string | undefined {
  try {
    return /^State:\t(\w)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Without the terminal's echo of Ctrl-C. */
function lines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => line.replace(/^(\^C)+/, ''))
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
