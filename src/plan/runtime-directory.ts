import type { Environment } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'
import { LONGEST_RUNTIME_DIRECTORY } from './socket-path.js'

/** Where EAL's files go: `run` and `exec` make a folder of their own there. */
export function noteRuntimeDirectory({ runtimeDirectory, kernel }: Environment, log: DecisionLog): void {
  const { path, from, writable } = runtimeDirectory
  if (path.length > LONGEST_RUNTIME_DIRECTORY) {
    log.warn(
      'runtime directory',
      path,
      `exec may refuse it: with a path longer than ${LONGEST_RUNTIME_DIRECTORY} characters (it has ${path.length}) that of DPDK's ` +
        'telemetry socket is too long for a socket; set RUNTIME_DIRECTORY to a shorter one',
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
