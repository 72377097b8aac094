import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { parseCpuList } from '../../../src/config/cpu-list.js'
import { pinThreads, placeThreads } from '../../../src/supervisor/affinity.js'

const cpusOf = (path: string) =>
  parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? '') ?? []
const allowed = cpusOf('/proc/self/status')
const [first = 0, second = 0] = allowed

const started: number[] = []
afterEach(() => {
  for (const pid of started.splice(0)) process.kill(pid, 'SIGKILL')
})

/** A real process with many threads: Node's own. */
async function startProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await once(child.stdout, 'data')
  const pid = child.pid ?? 0
  started.push(pid)
  return pid
}

const threadsOf = (pid: number) =>
  readdirSync(`/proc/${pid}/task`).map((tid) => ({ tid, cpus: cpusOf(`/proc/${pid}/task/${tid}/status`) }))

describe.skipIf(allowed.length < 2)('threads of a process (needs two CPUs)', () => {
  it('are pinned one by one, in turn to each housekeeping CPU', async () => {
    const pid = await startProcess()
    await pinThreads([first, second], pid)
    const pins = threadsOf(pid).map(({ cpus }) => cpus)
    expect(pins.length).toBeGreaterThan(3)
    expect(pins.every((cpus) => cpus.length === 1)).toBe(true)
    const counts = [first, second].map((cpuId) => pins.filter(([pin]) => pin === cpuId).length)
    expect(Math.abs((counts[0] ?? 0) - (counts[1] ?? 0))).toBeLessThanOrEqual(1)
  })

  it('stay on their polling CPU when that is where they were put', async () => {
    const pid = await startProcess()
    const lcore = threadsOf(pid).at(-1)?.tid ?? ''
    execFileSync('taskset', ['-cp', String(second), lcore])
    const before = threadsOf(pid).find(({ tid }) => tid === lcore)?.cpus
    await pinThreads([first], pid)
    expect(before).toEqual([second])
    for (const { tid, cpus } of threadsOf(pid)) expect(cpus).toEqual(tid === lcore ? [second] : [first])
  })

  it('float on the housekeeping CPUs where the scheduler balances load', async () => {
    const pid = await startProcess()
    await placeThreads({ housekeeping: [first, second], polling: [first], unused: [], pinning: 'set' }, pid)
    for (const { cpus } of threadsOf(pid)) expect(cpus).toEqual([first, second])
    await placeThreads({ housekeeping: [first, second], polling: [first], unused: [], pinning: 'each' }, pid)
    for (const { cpus } of threadsOf(pid)) expect(cpus).toHaveLength(1)
  })
})

describe('CPUs that may not be used', () => {
  it('are refused with the reason', async () => {
    await expect(
      placeThreads({ housekeeping: [8191], polling: [0], unused: [], pinning: 'set' }),
    ).rejects.toMatchObject({
      code: 'ERR_CPUS',
    })
  })
})
