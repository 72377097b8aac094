import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../errors.js'
import { gone, runCommand } from './commands.js'
import type { Isolation } from './prechecks.js'

/** A network namespace kept alive by a process that does nothing else. */
export interface Namespace {
  /** Pid of the holder; /proc/PID/net shows the namespace from outside. */
  readonly pid: number
  /** The command line that runs `argv` inside. The pid of what is started stays the child's. */
  enter(argv: readonly string[]): string[]
  /** Runs a command inside to its end and gives its stdout. */
  run(argv: readonly string[], stdin?: string): Promise<string>
}

export interface Namespaces {
  readonly pod: Namespace
  readonly peer: Namespace
  /** Ends the holders; the kernel takes the namespaces down with the last process inside. */
  close(): Promise<void>
}

/** Starting `cat` takes milliseconds; a machine that is out of memory or pids is told after this long. */
const holderPatienceMs = 10_000

/**
 * Makes the two network namespaces. They live in holder processes, not in the worker, so that a worker that dies
 * leaves the tap and its addresses. A holder is `cat` at the end of a pipe: it ends when this process does, however
 * that ends. It is detached, so that Ctrl-C in a terminal does not take the network away under a worker that stops.
 */
export async function openNamespaces(isolation: Isolation): Promise<Namespaces> {
  const { holder: pod, ownMounts } = await holdPod(isolation)
  try {
    const podNamespace = makeNamespace(isolation, pod.pid, ownMounts)
    const peer = await hold(
      isolation === 'user' ? [...enterUser(pod.pid), 'unshare', '-n', 'cat'] : ['unshare', '-n', 'cat'],
    )
    return {
      pod: podNamespace,
      peer: makeNamespace(isolation, peer.pid),
      close: async () => {
        await release(peer.child)
        await release(pod.child)
      },
    }
  } catch (error) {
    await release(pod.child)
    throw error
  }
}

/**
 * A sysfs shows the network namespace it was mounted in: the pod gets one of its own, of which only the netdevs are laid
 * over the host's, since the cgroups lie below /sys too. Where that is refused (a container that hides parts of /sys),
 * the pod sees the host's netdevs there, and discovery says of its own that it does not know what they are.
 */
const showOwnNetdevs = `
folder=$(mktemp -d) && mount -t sysfs sysfs "$folder" &&
  mount --bind "$folder/class/net" /sys/class/net &&
  mount --bind "$folder/devices/virtual/net" /sys/devices/virtual/net
umount "$folder"
rmdir "$folder"
exec cat`

async function holdPod(isolation: Isolation): Promise<{ holder: Holder; ownMounts: boolean }> {
  const flags = isolation === 'user' ? '-Urn' : '-n'
  try {
    return { holder: await hold(['unshare', `${flags}m`, 'sh', '-c', showOwnNetdevs]), ownMounts: true }
  } catch (error) {
    if (!(error instanceof SpillwayError)) throw error
    return { holder: await hold(['unshare', flags, 'cat']), ownMounts: false }
  }
}

function makeNamespace(isolation: Isolation, pid: number, ownMounts = false): Namespace {
  const way = isolation === 'user' ? [...enterUser(pid), '-n'] : ['nsenter', '-t', String(pid), '-n']
  // Into other mounts one enters at the root.
  const mounts = ownMounts ? ['-m', '--', 'env', `--chdir=${process.cwd()}`] : ['--']
  const enter = (argv: readonly string[]): string[] => [...way, ...mounts, ...argv]
  return { pid, enter, run: (argv, stdin) => runCommand(enter(argv), stdin) }
}

function enterUser(pid: number): string[] {
  return ['nsenter', '-t', String(pid), '-U', '--preserve-credentials']
}

interface Holder {
  readonly child: ChildProcess
  readonly pid: number
}

async function hold(argv: readonly string[]): Promise<Holder> {
  const [file = '', ...args] = argv
  const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'pipe'], detached: true })
  let said = ''
  let failure: Error | undefined
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  child.once('error', (error) => {
    failure = error
  })
  child.once('close', (code) => {
    failure ??= new Error(`"${argv.join(' ')}" ended with ${code}: ${said.trim()}`)
  })
  const deadline = Date.now() + holderPatienceMs
  for (;;) {
    if (child.pid !== undefined && (await runsCat(child.pid))) return { child, pid: child.pid }
    if (Date.now() > deadline) failure ??= new Error(`"${argv.join(' ')}" is not there after ${holderPatienceMs} ms`)
    if (failure !== undefined) {
      child.kill('SIGKILL')
      await gone(child)
      throw new SpillwayError('ERR_NAMESPACES', `a network namespace could not be made: ${failure.message}`, {
        hint: 'look at user.max_net_namespaces and at the limit of processes of this user',
        cause: failure,
      })
    }
    await sleep(1)
  }
}

/** unshare and nsenter have done their work once the process is `cat`. */
async function runsCat(pid: number): Promise<boolean> {
  const comm = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
  return comm.trim() === 'cat'
}

async function release(holder: ChildProcess): Promise<void> {
  holder.stdin?.end()
  await gone(holder)
}
