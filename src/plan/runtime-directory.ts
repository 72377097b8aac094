import type { Environment } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'

/** sockaddr_un, without the last NUL. */
const socketPathMost = 107
/** What comes below it at most: the folder of the run, the prefix with a pid, the telemetry socket. */
const mostBelow = '/spillway-run-XXXXXX/dpdk/spillway-0123456789abcdef-4194304/dpdk_telemetry.v2:1'.length

/** Where EAL's files go: `run` and `exec` make a folder of their own there. */
export function noteRuntimeDirectory({ runtimeDirectory, kernel }: Environment, log: DecisionLog): void {
  const { path, from, writable } = runtimeDirectory
  if (path.length + mostBelow > socketPathMost) {
    log.warn(
      'runtime directory',
      path,
      `its path is too long for the sockets of DPDK (${socketPathMost} bytes, of which up to ${mostBelow} are below it): ` +
        'set RUNTIME_DIRECTORY to a shorter one',
    )
    return
  }
  if (writable) {
    log.note('runtime directory', path, from === 'default' ? 'where EAL keeps its files by default' : `${from} says so`)
    return
  }
  const root = kernel.rootReadOnly ? 'the root file system is read-only' : 'it cannot be written'
  log.warn(
    'runtime directory',
    path,
    `${root}: mount an emptyDir at ${path}, or set RUNTIME_DIRECTORY to a folder that can be`,
  )
}
