import { dirname, join } from 'node:path'
import type { Config } from '../config/schema.js'
import type { Environment } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'
import { LONGEST_SOCKET_PATH } from './socket-path.js'

export interface ControlSocket {
  readonly path: string
  /** The folder that is made for it, for this user alone; null when the operator named the socket. */
  readonly folder: string | null
}

/** As much of the environment as decides where the socket is; who asks an instance needs no more either. */
export interface ControlSocketPlace extends Pick<Environment, 'runtimeDirectory'> {
  readonly process: Pick<Environment['process'], 'uid'>
}

/**
 * Where the control socket is: the same place for the instance and for those of the same user who ask it.
 *
 * @returns null when there is none: it is off, or its path would be longer than a socket's can be
 */
export function placeControlSocket(
  { control }: Pick<Config, 'control'>,
  { runtimeDirectory, process: { uid } }: ControlSocketPlace,
): ControlSocket | null {
  if (control.path === 'off') return null
  if (control.path !== 'auto') return { path: control.path, folder: null }
  const base = runtimeDirectory.writable ? runtimeDirectory.path : runtimeDirectory.fallback.path
  const path = join(base, uid === 0 ? 'spillway' : `spillway-${uid}`, 'control.sock')
  return Buffer.byteLength(path) > LONGEST_SOCKET_PATH ? null : { path, folder: dirname(path) }
}

export function noteControlSocket(config: Config, environment: Environment, log: DecisionLog): void {
  const socket = placeControlSocket(config, environment)
  if (socket !== null) {
    const why = socket.folder === null ? 'where control.path says' : 'below the runtime directory'
    log.note('control socket', 'mode 0600', `${socket.path}, ${why}; for this user alone`)
  } else if (config.control.path === 'auto') {
    log.warn(
      'control socket',
      'none',
      `its path would be longer than ${LONGEST_SOCKET_PATH} characters, so rules change by SIGHUP alone; set control.path`,
    )
  }
}
