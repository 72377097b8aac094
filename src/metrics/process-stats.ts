import { readdirSync, readFileSync } from 'node:fs'

/** What the kernel knows about a process. */
export interface ProcessStats {
  readonly cpuSeconds: number
  /** Of its children that have ended. */
  readonly childrenCpuSeconds: number
  readonly residentBytes: number
  readonly virtualBytes: number
  readonly threads: number
  readonly openFds: number
}

/** USER_HZ, which is 100 on every architecture that DPDK runs on. */
const ticksPerSecond = 100

/** Reads /proc/PID. Null when the process is gone, or may not be looked at. */
export function readProcessStats(pid: number | 'self'): ProcessStats | null {
  try {
    const folder = `/proc/${pid}`
    const stat = readFileSync(`${folder}/stat`, 'latin1')
    const status = readFileSync(`${folder}/status`, 'latin1')
    // The name in parentheses may hold spaces and parentheses itself: fields are counted after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
      childrenCpuSeconds: (Number(fields[13]) + Number(fields[14])) / ticksPerSecond,
      residentBytes: kibibytes(status, 'VmRSS') * 1024,
      virtualBytes: kibibytes(status, 'VmSize') * 1024,
      threads: Number(fields[17]),
      openFds: countOpenFds(folder),
    }
  } catch {
    return null
  }
}

/** A zombie's descriptors are closed and not to be looked at, but its CPU time still counts: nobody has it yet. */
function countOpenFds(folder: string): number {
  try {
    return readdirSync(`${folder}/fd`).length
  } catch {
    return 0
  }
}

/** The soft limit of open files. */
export function readMaxFds(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1')
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1]
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

function kibibytes(status: string, name: string): number {
  const start = status.indexOf(`${name}:`)
  return start < 0 ? 0 : Number.parseInt(status.slice(start + name.length + 1), 10)
}
