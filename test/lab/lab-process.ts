import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { eventually } from '../eventually.js'

const command = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))

export interface LabEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** The built `spillway lab`, as a user starts it. */
export interface LabProcess {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<LabEnd>
  /** Where it says its metrics are; it says so once it forwards. */
  url(): Promise<string>
}

const started: ChildProcess[] = []

/** `through`: a command line that takes rights or devices away first. */
export function startLabCommand(args: readonly string[], through: readonly string[] = []): LabProcess {
  const [file = '', ...rest] = [...through, process.execPath, command, 'lab', ...args]
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const ended = once(child, 'close').then(([exitCode, signal]): LabEnd => ({ exitCode, signal }))
  const url = async (): Promise<string> =>
    await eventually('the lab forwards', async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr()}`)
      return /Metrics (http:\S+)\/metrics/.exec(stdout())?.[1]
    })
  return { child, stdout, stderr, ended, url }
}

/** For an `afterEach`: asks, and kills whoever does not listen. */
export async function endLabCommands(): Promise<void> {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    const impatience = setTimeout(() => child.kill('SIGKILL'), 20_000)
    await gone
    clearTimeout(impatience)
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

/** Every process below `pid`, also those in sessions of their own. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const candidate of pids()) {
    const parent = Number(statOf(candidate)[1])
    children.set(parent, [...(children.get(parent) ?? []), candidate])
  }
  const below = (parent: number): number[] => (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)])
  return below(pid)
}

/** Network namespaces that a process lives in, by what /proc calls them. */
export function networkNamespaces(among: readonly number[] = pids()): Set<string> {
  return new Set(among.map((pid) => read(() => readlinkSync(`/proc/${pid}/ns/net`))).filter((name) => name !== ''))
}

export function commandLine(pid: number): string {
  return read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
}

export function isAlive(pid: number): boolean {
  const [state] = statOf(pid)
  return state !== undefined && state !== 'Z'
}

export function runFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('spillway-lab-'))
}

function pids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
}

/** The fields after the name: state, parent, … */
function statOf(pid: number): string[] {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A process may end between any two looks at it. */
function read(look: () => string): string {
  try {
    return look()
  } catch {
    return ''
  }
}
