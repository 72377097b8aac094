import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The telemetry sockets of the programs that keep their files in `runtimeFolder` (their RUNTIME_DIRECTORY), sorted.
 * A second process of a prefix gets a number at the end (`dpdk_telemetry.v2:1`).
 */
export function findSockets(runtimeFolder: string): string[] {
  const dpdk = join(runtimeFolder, 'dpdk')
  return names(dpdk).flatMap((prefix) =>
    names(join(dpdk, prefix))
      .filter((name) => /^dpdk_telemetry\.v2(:\d+)?$/.test(name))
      .map((name) => join(dpdk, prefix, name)),
  )
}

function names(folder: string): string[] {
  try {
    // The program made them. One with a line end in it could not be told to the relay, a line each.
    return readdirSync(folder)
      .filter((name) => !/\p{Cc}/u.test(name))
      .sort()
  } catch (error) {
    // Not there (yet), no folder, or none of ours.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
