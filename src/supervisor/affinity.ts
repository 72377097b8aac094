import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { parseCpuList } from '../config/cpu-list.js'
import { SpillwayError } from '../errors.js'
import type { Plan } from '../plan/types.js'

/**
 * Moves every thread this process has to the housekeeping CPUs; what it starts later inherits that.
 * `sched_setaffinity` moves one thread and Node has seven, so it takes `taskset --all-tasks`.
 */
export async function narrowAffinity(housekeeping: readonly number[], pid = process.pid): Promise<void> {
  await runTaskset(['-acp', housekeeping.join(','), String(pid)], housekeeping)
}

/**
 * Keeps a process's threads off the polling CPUs. Where the scheduler does not balance load, each thread gets one
 * housekeeping CPU: left alone they would all stay where they started.
 */
export async function placeThreads(cpus: Plan['cpus'], pid = process.pid): Promise<void> {
  await narrowAffinity(cpus.housekeeping, pid)
  if (cpus.pinning === 'each') await pinThreads(cpus.housekeeping, pid)
}

/**
 * Pins a process's threads one by one, in turn to each housekeeping CPU: first the exception threads, which need a CPU
 * most. A thread that may not run on any of these CPUs, an lcore, is left where it is, and so is a vhost worker: the worker
 * has placed it.
 */
export async function pinThreads(housekeeping: readonly number[], pid = process.pid): Promise<void> {
  const threads = listThreads(pid).filter(
    ({ name, allowed }) => !name.startsWith('vhost-') && allowed.some((cpuId) => housekeeping.includes(cpuId)),
  )
  const exception = threads.filter(({ name }) => name.startsWith('exception-'))
  const others = threads.filter(({ name }) => !name.startsWith('exception-'))
  const pins = [...exception, ...others].map(({ tid }, index) => {
    const cpuId = housekeeping[index % housekeeping.length] ?? 0
    return pinThread(tid, cpuId, pid)
  })
  await Promise.all(pins)
}

async function pinThread(tid: number, cpuId: number, pid: number): Promise<void> {
  try {
    await runTaskset(['-cp', String(cpuId), String(tid)], [cpuId])
  } catch (error) {
    // Threads come and go, and one that has gone needs no CPU.
    if (listThreads(pid).some((thread) => thread.tid === tid)) throw error
  }
}

interface Thread {
  readonly tid: number
  readonly name: string
  readonly allowed: readonly number[]
}

function listThreads(pid: number): Thread[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    try {
      const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8')
      const name = /^Name:\s*(.*)$/m.exec(status)?.[1] ?? ''
      const allowed = parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '') ?? []
      return [{ tid: Number(tid), name, allowed }]
    } catch {
      return []
    }
  })
}

async function runTaskset(args: readonly string[], cpuIds: readonly number[]): Promise<void> {
  try {
    await promisify(execFile)('taskset', args)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new SpillwayError('ERR_MISSING_TOOL', 'taskset is needed to keep off the polling CPUs, and was not found', {
        hint: 'install util-linux',
        cause,
      })
    throw new SpillwayError('ERR_CPUS', `cannot move to the housekeeping CPUs ${cpuIds.join(',')}`, {
      hint: 'they must be among the CPUs this process may use: see Cpus_allowed_list in /proc/self/status',
      cause,
    })
  }
}
