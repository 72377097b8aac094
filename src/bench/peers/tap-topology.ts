import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endWithin, runCommand } from '../../lab/commands.js'
import { type Namespace, openNamespaces } from '../../lab/namespaces.js'
import { checkMachine } from '../../lab/prechecks.js'
import { spawnInside } from '../../lab/processes.js'
import { Teardown } from '../../lab/teardown.js'
import type { WorkerProgram } from '../../supervisor/worker-process.js'
import { workerProgram } from '../../supervisor/worker-program.js'
import { bulkFrames, mixedFrames, pcapFile } from './tap-frames.js'

/** Spillway's tap, made for it as in a pod, and the one that net_tap makes for itself: it needs NET_ADMIN. */
export const tapNames = { spillway: 'ext0', netTap: 'dtap0' } as const

const flood = fileURLToPath(new URL('../../../build/Release/spillway-frame-flood', import.meta.url))
const endPatienceMs = 2_000

/** A pod's namespace with a tap, and captures for net_pcap and the sender. */
export interface TapTopology {
  readonly pod: Namespace
  readonly worker: WorkerProgram
  readonly captures: { readonly mixed: string; readonly bulk: string }
  /** Sends through a tap as fast as it can from the moment it resolves, on a CPU of its own. Resolves to its end. */
  flood(tap: string, cpu: number): Promise<() => Promise<void>>
  close(): Promise<void>
}

export async function openTapTopology(workerEntry: URL): Promise<TapTopology> {
  const teardown = new Teardown()
  try {
    return { ...(await build(workerEntry, teardown)), close: () => teardown.run() }
  } catch (error) {
    await teardown.run()
    throw error
  }
}

async function build(workerEntry: URL, teardown: Teardown): Promise<Omit<TapTopology, 'close'>> {
  const namespaces = await openNamespaces(await checkMachine())
  teardown.defer(() => namespaces.close())
  const { pod } = namespaces
  const tap = tapNames.spillway
  // Nothing that the kernel says of its own is to be measured.
  const silence = 'for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done'
  await pod.run(['sh', '-ec', `${silence}; ip tuntap add dev ${tap} mode tap multi_queue; ip link set ${tap} up`])
  const folder = await mkdtemp(join(tmpdir(), 'spillway-bench-'))
  teardown.defer(() => rm(folder, { recursive: true, force: true }))
  const captures = { mixed: join(folder, 'mixed.pcap'), bulk: join(folder, 'bulk.pcap') }
  writeFileSync(captures.mixed, pcapFile(mixedFrames()))
  writeFileSync(captures.bulk, pcapFile(bulkFrames()))
  const inner = workerProgram(workerEntry, folder)
  const [command = '', ...args] = pod.enter([inner.command, ...inner.args])
  return {
    pod,
    worker: { ...inner, command, args },
    captures,
    flood: async (netdev, cpu) => {
      await pod.run(['ip', 'link', 'set', netdev, 'up'])
      const argv = ['taskset', '-c', String(cpu), flood, netdev, captures.mixed]
      const sender = spawnInside(pod, argv, { stdio: ['pipe', 'ignore', 'inherit'], whenOrphaned: 'SIGKILL' })
      return async () => {
        sender.stdin?.end()
        await endWithin(sender, endPatienceMs)
      }
    },
  }
}

/** A thread of a process, by its name. */
export interface Thread {
  pin(cpu: number): Promise<void>
  /** What it ran so far, as the scheduler counts it: what others took of its CPU is not in it. */
  cpuSeconds(): number
}

export function threadOf(pid: number, name: string): Thread {
  const folder = `/proc/${pid}/task`
  const tid = readdirSync(folder).find((id) => readFileSync(join(folder, id, 'comm'), 'utf8').trim() === name)
  if (tid === undefined) throw new RangeError(`process ${pid} has no thread ${name}`)
  return {
    pin: async (cpu) => void (await runCommand(['taskset', '-cp', String(cpu), tid])),
    cpuSeconds: () => Number(readFileSync(join(folder, tid, 'schedstat'), 'utf8').split(' ')[0]) / 1e9,
  }
}
