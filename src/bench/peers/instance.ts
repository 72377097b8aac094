import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { SpillwayError } from '../../errors.js'
import { readStatus } from '../../top/read-status.js'
import type { Machine } from './machine.js'
import { median, percentile } from './statistics.js'
import { mbufCache } from './topologies.js'

/** What a running instance costs and how fast it comes and comes back. Times in milliseconds, sizes in MiB. */
export interface InstanceFigures {
  readonly supervisorRssMib: number
  readonly workerRssMib: number
  readonly scrapeMedianMs: number
  readonly scrapeP99Ms: number
  readonly readyMs: number[]
  readonly recoveryMs: number[]
}

const scrapes = 300
const recoveries = 5
const patienceMs = 30_000
const healthyAfterMs = 100
const program = fileURLToPath(new URL('../../../bin/spillway.mjs', import.meta.url))

interface Running {
  readonly url: string
  readonly supervisorPid: number
  readonly readyMs: number
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new RangeError('a TCP server has a port')
  return address.port
}

/** Resolves with what `attempt` gives once it gives something. */
async function eventually<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const value = await attempt().catch(() => undefined)
    if (value !== undefined) return value
    if (performance.now() > deadline) throw new SpillwayError('ERR_WORKER', `${what}: not within ${patienceMs} ms`)
    await sleep(2)
  }
}

async function start(machine: Machine, folder: string): Promise<Running> {
  const url = `http://127.0.0.1:${await freePort()}`
  const file = join(folder, 'instance.yaml')
  const settings = {
    lcores: String(machine.pollingCpu),
    idle: 'poll',
    memory: { pageSize: 'none', mbufCache },
    ports: [0, 1].map((i) => ({ name: `p${i}`, device: `net_null${i}`, exception: { backend: 'none' } })),
    forwarding: { mode: 'macswap' },
    http: { listen: url.slice('http://'.length) },
    // Each death is to be the first of its row: what is measured is not the back-off.
    restart: { healthyAfterMs },
    log: { level: 'silent' },
  }
  writeFileSync(file, stringify(settings, { version: '1.1' }))
  const startedAt = performance.now()
  // This process has narrowed itself; the instance gets what a pod would have.
  const argv = ['-c', machine.allowedCpus.join(','), process.execPath, program, 'run', '--config', file]
  const child = spawn('taskset', argv, { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit')
  await eventually('ready', async () => ((await fetch(`${url}/readyz`)).ok ? true : undefined))
  const readyMs = performance.now() - startedAt
  return {
    url,
    supervisorPid: child.pid ?? 0,
    readyMs,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

function rssMib(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib ?? Number.NaN) / 1024
}

async function scrapeLatencies(url: string): Promise<number[]> {
  const latencies: number[] = []
  for (let i = 0; i < scrapes; i++) {
    const before = performance.now()
    await (await fetch(`${url}/metrics`)).text()
    latencies.push(performance.now() - before)
  }
  return latencies
}

interface WorkerView {
  readonly pid: number
  readonly forwarded: number
}

async function viewWorker(url: string): Promise<WorkerView | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const forwarded = [...text.matchAll(/^spillway_forwarded_packets_total\{[^}]*\} (\S+)$/gm)]
  const { pid } = (await readStatus(url)).worker
  return pid === null ? undefined : { pid, forwarded: forwarded.reduce((sum, [, n]) => sum + Number(n), 0) }
}

/** From the signal until another worker has forwarded a packet. */
async function recover(url: string): Promise<number> {
  const before = await eventually('a worker', () => viewWorker(url))
  process.kill(before.pid, 'SIGKILL')
  const killedAt = performance.now()
  const next = await eventually('the next worker', async () => {
    const view = await viewWorker(url)
    return view !== undefined && view.pid !== before.pid ? view : undefined
  })
  await eventually('forwarding', async () => {
    const view = await viewWorker(url)
    return view !== undefined && view.forwarded > next.forwarded ? true : undefined
  })
  return performance.now() - killedAt
}

/** Every figure comes from `spillway run` with two net_null ports that forward as fast as the lcore can. */
export async function measureInstance(machine: Machine, folder: string, starts: number): Promise<InstanceFigures> {
  const readyMs: number[] = []
  for (let i = 1; i < starts; i++) {
    const instance = await start(machine, folder)
    readyMs.push(instance.readyMs)
    await instance.stop()
  }
  const instance = await start(machine, folder)
  try {
    readyMs.push(instance.readyMs)
    const latencies = await scrapeLatencies(instance.url)
    const supervisorRssMib = rssMib(instance.supervisorPid)
    const worker = await eventually('a worker', () => viewWorker(instance.url))
    const workerRssMib = rssMib(worker.pid)
    const recoveryMs: number[] = []
    for (let i = 0; i < recoveries; i++) {
      recoveryMs.push(await recover(instance.url))
      await eventually('a healthy worker', async () =>
        (await readStatus(instance.url)).worker.uptimeSeconds > healthyAfterMs / 1000 ? true : undefined,
      )
    }
    return {
      supervisorRssMib,
      workerRssMib,
      scrapeMedianMs: median(latencies),
      scrapeP99Ms: percentile(latencies, 0.99),
      readyMs,
      recoveryMs,
    }
  } finally {
    await instance.stop()
  }
}
