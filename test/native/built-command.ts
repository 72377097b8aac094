import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'

/** The built command as a process that keeps its files in a folder of its own. */
export interface BuiltCommand {
  readonly child: ChildProcess
  readonly folder: string
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>
}

const started: { child: ChildProcess; folder: string }[] = []

/** @param folder  removed by `endCommands`; also the runtime directory, unless `env` says otherwise */
export function startCommand(
  [program = '', ...args]: readonly string[],
  {
    folder,
    stdin,
    env,
  }: { readonly folder: string; readonly stdin: 'ignore' | 'pipe'; readonly env?: NodeJS.ProcessEnv },
): BuiltCommand {
  const child = spawn(program, args, {
    stdio: [stdin, 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, RUNTIME_DIRECTORY: folder, ...env },
  })
  started.push({ child, folder })
  const ended = once(child, 'close').then(([exitCode, signal]) => ({ exitCode, signal }))
  return { child, folder, stdout: collect(child.stdout), stderr: collect(child.stderr), ended }
}

/** For an `afterEach`. */
export async function endCommands(): Promise<void> {
  for (const { child, folder } of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
