import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { SpillwayError } from '../errors.js'

/**
 * Moves every thread this process has to the housekeeping CPUs; what it starts later inherits that.
 * `sched_setaffinity` moves one thread and Node has seven, so it takes `taskset --all-tasks`.
 */
export async function narrowAffinity(housekeeping: readonly number[], pid = process.pid): Promise<void> {
  const list = housekeeping.join(',')
  try {
    await promisify(execFile)('taskset', ['-acp', list, String(pid)])
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw new SpillwayError('ERR_MISSING_TOOL', 'taskset is needed to keep off the polling CPUs, and was not found', {
        hint: 'install util-linux',
        cause,
      })
    throw new SpillwayError('ERR_CPUS', `cannot move to the housekeeping CPUs ${list}`, {
      hint: 'they must be among the CPUs this process may use: see Cpus_allowed_list in /proc/self/status',
      cause,
    })
  }
}
