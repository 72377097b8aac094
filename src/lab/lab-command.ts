import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isForeground } from '../exec/signals.js'
import { endWithin } from './commands.js'
import { type HttpSocket, openHttpSocket } from './http-socket.js'
import { instanceEnvironment } from './instance.js'
import { formatSettings, labSettings, readAllowedCpus } from './lab-config.js'
import { type Namespace, openNamespaces } from './namespaces.js'
import { checkMachine, widenPath } from './prechecks.js'
import { makeRunFolder } from './run-folder.js'
import { Teardown } from './teardown.js'
import { buildTopology, labNetwork } from './topology.js'

export interface LabCommandOptions {
  /** A command of Spillway with its arguments, e.g. `doctor --json`. */
  readonly argv: readonly string[]
  readonly http: { readonly host: string; readonly port: number }
  /** Null: until the command ends by itself. */
  readonly durationMs: number | null
}

/** The built command; from dist/lab as from src/lab. */
const program = fileURLToPath(new URL('../../bin/spillway.mjs', import.meta.url))
const forwarded = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const
/** `exec` gives its program 10 s. */
const stopPatienceMs = 15_000

/**
 * Builds the lab's network and runs one command of Spillway in its pod, with the lab's configuration and our terminal.
 *
 * @returns its exit code
 */
export async function runLabCommand(options: LabCommandOptions): Promise<number> {
  process.env.PATH = widenPath(process.env.PATH ?? '')
  const teardown = new Teardown()
  // Whatever is asked, the network comes down again.
  const ask = new AbortController()
  let child: ChildProcess | undefined
  for (const signal of forwarded) {
    process.on(signal, () => {
      ask.abort()
      // What is typed at a terminal has reached the command already.
      if (signal !== 'SIGINT' || !isForeground()) child?.kill(signal)
    })
  }
  try {
    const isolation = await checkMachine()
    const folder = await makeRunFolder()
    teardown.defer(() => folder.remove())
    const namespaces = await openNamespaces(isolation)
    teardown.defer(() => namespaces.close())
    await buildTopology(namespaces, { multiQueueTap: true })
    const settings = { ...labSettings(readAllowedCpus()), log: { level: 'info', format: 'auto' } }
    const configFile = await folder.write('spillway.yaml', formatSettings(settings))
    const http = await openHttpSocket(options.http)
    process.stderr.write(`${introduce(http, namespaces.peer)}\n`)
    if (ask.signal.aborted) return 0
    child = startInside(namespaces.pod, withConfig(options.argv, configFile), folder.path, http)
    return await end(child, options.durationMs)
  } finally {
    await teardown.run()
  }
}

function introduce({ url }: HttpSocket, peer: Namespace): string {
  const { vf, tap, tapV4, peerV4 } = labNetwork
  return (
    `lab: ${vf} is the VF, ${tap} (${tapV4}) the tap, ${peerV4} the peer; HTTP of what serves it: ${url}\n` +
    `lab: a program at the peer: ${peer.enter(['ping', tapV4]).join(' ')}`
  )
}

/** `exec -- testpmd` becomes `exec --config FILE -- testpmd`. */
function withConfig([command = '', ...args]: readonly string[], configFile: string): string[] {
  return [command, '--config', configFile, ...args]
}

/** In our process group: it may read from the terminal, and Ctrl-C is its own to take. */
function startInside(pod: Namespace, argv: readonly string[], folder: string, http: HttpSocket): ChildProcess {
  const [file = '', ...args] = pod.enter([
    'setpriv',
    '--pdeathsig',
    'SIGTERM',
    '--',
    process.execPath,
    program,
    ...argv,
  ])
  const env = { ...process.env, ...instanceEnvironment(folder) }
  const child = spawn(file, args, { stdio: ['inherit', 'inherit', 'inherit', http.fd], env })
  http.close()
  return child
}

async function end(child: ChildProcess, durationMs: number | null): Promise<number> {
  const timer = durationMs === null ? undefined : setTimeout(() => void stop(child), durationMs)
  const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(timer)
  return signal === null ? (exitCode ?? 0) : 128 + constants.signals[signal]
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM')
  await endWithin(child, stopPatienceMs)
}
