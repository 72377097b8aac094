import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface CommandResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command that ended with something else than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  constructor(
    readonly argv: readonly string[],
    readonly result: CommandResult,
  ) {
    const said = (result.stderr || result.stdout).trim()
    super(`"${argv.join(' ')}" ended with ${result.exitCode ?? 'a signal'}${said === '' ? '' : `: ${said}`}`)
  }
}

/** Runs a command to its end; a command that cannot be started at all rejects with node's error. */
export async function tryCommand(argv: readonly string[], stdin = ''): Promise<CommandResult> {
  const [file = '', ...args] = argv
  // LC_ALL: messages and numbers are read by programs and by people who search for them.
  const child = spawn(file, args, { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  // A command that does not read its stdin may close it first: nothing to say about.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, stdout: stdout(), stderr: stderr() }
}

/** Runs a command to its end and gives its stdout. @throws CommandFailed unless it ends with 0. */
export async function runCommand(argv: readonly string[], stdin = ''): Promise<string> {
  const result = await tryCommand(argv, stdin)
  if (result.exitCode !== 0) throw new CommandFailed(argv, result)
  return result.stdout
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: string[] = []
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => chunks.push(chunk))
  return () => chunks.join('')
}

/** Resolves when the child's process is gone, at once when it already is or never started. */
export async function gone(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  await once(child, 'exit')
}

/** Waits for a child that was asked to end, then kills it. Resolves when the process is gone. */
export async function endWithin(child: ChildProcess, patienceMs: number): Promise<void> {
  const impatience = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await gone(child)
  clearTimeout(impatience)
}
