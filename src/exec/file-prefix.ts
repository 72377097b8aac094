import { SpillwayError } from '../errors.js'
import { LONGEST_SOCKET_PATH, socketPath } from '../telemetry/find-sockets.js'

const option = '--file-prefix='
/** EAL numbers the sockets of a prefix, `:1` and so on; and what is left of the name should still say something. */
const NUMBER_ROOM = 3
const LEAST_NAME = 4

/**
 * EAL's arguments with a prefix that is this process's own, as long as the path of the telemetry socket allows: EAL does
 * not start when that is too long for a unix socket ("Cannot init EAL: Operation not supported").
 *
 * @param folder  the program's RUNTIME_DIRECTORY
 * @throws SpillwayError `ERR_EAL` when the folder's path leaves no room
 */
export function withOwnPrefix(ealArgs: readonly string[], folder: string, pid: number): string[] {
  const planned = ealArgs.find((arg) => arg.startsWith(option))?.slice(option.length) ?? 'spillway'
  const end = `-${pid}`
  const room = LONGEST_SOCKET_PATH - NUMBER_ROOM - socketPath(folder, end).length
  if (room < LEAST_NAME) throw noRoom(folder)
  const name = planned.slice(0, room).replace(/[-.]+$/, '')
  return [...ealArgs.filter((arg) => !arg.startsWith(option)), `${option}${name}${end}`]
}

function noRoom(folder: string): SpillwayError {
  const longest = LONGEST_SOCKET_PATH - NUMBER_ROOM - socketPath('', '').length - 16
  return new SpillwayError(
    'ERR_EAL',
    `EAL needs a runtime directory whose path has at most ${longest} characters, found ${folder} (${folder.length})`,
    { hint: 'set RUNTIME_DIRECTORY to a shorter one, such as an emptyDir at /run/spillway' },
  )
}
