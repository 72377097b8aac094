import { SpillwayError } from '../errors.js'
import { prefixEnd, prefixRoom, spareLength } from '../plan/socket-path.js'

const option = '--file-prefix='

/**
 * EAL's arguments with a prefix that is this process's own, as long as the path of the telemetry socket allows: EAL does
 * not start when that is too long for a unix socket ("Cannot init EAL: Operation not supported").
 *
 * @param folder  the program's RUNTIME_DIRECTORY
 * @throws SpillwayError `ERR_EAL` when the folder's path leaves no room
 */
export function withOwnPrefix(ealArgs: readonly string[], folder: string, pid: number): string[] {
  const planned = ealArgs.find((arg) => arg.startsWith(option))?.slice(option.length) ?? 'spillway'
  const spare = spareLength(folder, pid)
  if (spare < 0) throw noRoom(folder, folder.length + spare)
  const name = planned.slice(0, prefixRoom(folder, pid)).replace(/[-.]+$/, '')
  return [...ealArgs.filter((arg) => !arg.startsWith(option)), `${option}${name}${prefixEnd(pid)}`]
}

function noRoom(folder: string, longest: number): SpillwayError {
  return new SpillwayError(
    'ERR_EAL',
    `EAL needs a runtime directory whose path has at most ${longest} characters, found ${folder} (${folder.length})`,
    { hint: 'set RUNTIME_DIRECTORY to a shorter one, such as an emptyDir at /run/spillway' },
  )
}
