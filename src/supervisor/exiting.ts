import { readFileSync } from 'node:fs'

/** sched.h, PF_EXITING: the kernel is taking the process down. */
const exitingFlag = 0x4

/**
 * Whether a process is on its way out. Its descriptors close one after the other, and those of a device that has memory
 * mapped take their time: pipes to it may be closed seconds before its end is told.
 */
export function isExiting(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces and parentheses; the fields after the last one cannot.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[6]) & exitingFlag) !== 0
  } catch {
    return true
  }
}
