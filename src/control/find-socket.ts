import type { Config } from '../config/schema.js'
import { HostFiles } from '../environment/host-files.js'
import { discoverProcess } from '../environment/process.js'
import { discoverRuntimeDirectory } from '../environment/runtime-directory.js'
import { readEnvironmentVariables } from '../environment/variables.js'
import { SpillwayError } from '../errors.js'
import { placeControlSocket } from '../plan/control-socket.js'

/**
 * Where an instance with this configuration and of this user has its control socket.
 *
 * @throws SpillwayError `ERR_USAGE` when it has none
 */
export function findControlSocket(config: Config): string {
  const files = new HostFiles('/')
  const process = discoverProcess(files, false)
  const runtimeDirectory = discoverRuntimeDirectory(files, readEnvironmentVariables('/'), process)
  const socket = placeControlSocket(config, { runtimeDirectory, process })
  if (socket !== null) return socket.path
  throw new SpillwayError('ERR_USAGE', 'need a control socket, found that control.path gives none', {
    hint: 'set control.path, or name the socket of the instance with --socket',
  })
}
