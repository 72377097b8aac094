import { join } from 'node:path'

/** The longest path that a unix socket can have: `sun_path` without its end. EAL does not start when its own is longer. */
export const LONGEST_SOCKET_PATH = 107
/** EAL numbers the sockets of a prefix, `:1` and so on; and what is left of the name should still say something. */
const NUMBER_ROOM = 3
const LEAST_NAME = 4
/** The folder of a run, as mkdtemp names it, and the largest pid of Linux. */
const RUN_FOLDER = 'spillway-run-XXXXXX'
const LARGEST_PID = 4_194_304

/** Where the telemetry socket of a program with this prefix will be. */
export function socketPath(runtimeFolder: string, filePrefix: string): string {
  return join(runtimeFolder, 'dpdk', filePrefix, 'dpdk_telemetry.v2')
}

/** What ends the prefix of a program that `exec` starts: two programs in a pod do not meet. */
export function prefixEnd(pid: number): string {
  return `-${pid}`
}

/** How many characters of a prefix fit in front of its end; negative when the folder's own path is too long. */
export function prefixRoom(runtimeFolder: string, pid: number): number {
  return LONGEST_SOCKET_PATH - NUMBER_ROOM - socketPath(runtimeFolder, prefixEnd(pid)).length
}

/** By how many characters the folder's path could be longer; below 0 it is too long for a socket in it. */
export function spareLength(runtimeFolder: string, pid: number): number {
  return prefixRoom(runtimeFolder, pid) - LEAST_NAME
}

/** The longest path below which `exec` always finds room for the folder of its run and the socket in it. */
export const LONGEST_RUNTIME_DIRECTORY = spareLength(join('/', RUN_FOLDER), LARGEST_PID)
