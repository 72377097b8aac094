import { mayAccess, type Who } from './file-access.js'
import type { HostFiles } from './host-files.js'
import { isOnReadOnlyMount } from './mounts.js'
import type { ProcessEnvironment, RuntimeDirectory } from './types.js'

const mostPrefixes = 64

/**
 * Where EAL keeps sockets and configuration: below this folder in `dpdk/<prefix>`.
 *
 * @see DPDK lib/eal/linux, eal_create_runtime_dir
 */
export function discoverRuntimeDirectory(
  files: HostFiles,
  env: Readonly<Record<string, string | undefined>>,
  who: Who & Partial<Pick<ProcessEnvironment, 'secureExecution'>>,
): RuntimeDirectory {
  const { path, from } = chooseRuntimeDirectory(env, who.uid)
  const temporary = chooseTemporary(who.secureExecution === true ? {} : env)
  return {
    path,
    from,
    writable: isWritable(files, path, who),
    fallback: { path: temporary, writable: isWritable(files, temporary, who) },
    prefixes: listPrefixes(files, path),
  }
}

/** As Node's `tmpdir()`, which looks at no variable when AT_SECURE is set. */
function chooseTemporary(env: Readonly<Record<string, string | undefined>>): string {
  return (env.TMPDIR || env.TMP || env.TEMP || '/tmp').replace(/(?<=.)\/$/, '')
}

function chooseRuntimeDirectory(
  env: Readonly<Record<string, string | undefined>>,
  uid: number,
): Pick<RuntimeDirectory, 'path' | 'from'> {
  // EAL takes the variable as it is, also an empty one; that would make folders in the root, which nobody means.
  if (env.RUNTIME_DIRECTORY) return { path: env.RUNTIME_DIRECTORY, from: 'RUNTIME_DIRECTORY' }
  if (uid === 0) return { path: '/var/run', from: 'default' }
  if (env.XDG_RUNTIME_DIR) return { path: env.XDG_RUNTIME_DIR, from: 'XDG_RUNTIME_DIR' }
  return { path: '/tmp', from: 'default' }
}

function isWritable(files: HostFiles, path: string, who: Who): boolean {
  const below = path.replace(/^\/+/, '')
  const owner = files.owner(below)
  return owner !== null && !isOnReadOnlyMount(files, path) && mayAccess(owner, who, 3)
}

function listPrefixes(files: HostFiles, path: string): RuntimeDirectory['prefixes'] {
  const folder = `${path.replace(/^\/+/, '')}/dpdk`
  const names = files.names(folder).slice(0, mostPrefixes)
  if (names.length === 0) return []
  const sockets = readListeningSockets(files)
  const locked = readLockedInodes(files)
  return names.map((prefix) => {
    const config = files.inode(`${folder}/${prefix}/config`)
    const listening = sockets.some((socket) => socket.startsWith(`/${folder}/${prefix}/`))
    return { prefix, alive: listening || (config !== undefined && locked.has(config)) }
  })
}

/** SO_ACCEPTCON in the flags: a socket that listens, without connecting to it. */
const acceptsConnections = '00010000'

/** `0000000000000000: 00000002 00000000 00010000 0005 01 23456 /var/run/dpdk/rte/dpdk_telemetry.v2` */
function readListeningSockets(files: HostFiles): string[] {
  return (files.text('proc/self/net/unix') ?? '').split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/)
    return words[3] === acceptsConnections && words[7]?.includes('/dpdk') ? [words[7]] : []
  })
}

/** EAL holds a write lock on its `config` while it runs: `1: POSIX ADVISORY WRITE 813 fe:00:4711 0 EOF`. */
function readLockedInodes(files: HostFiles): Set<number> {
  const lines = (files.text('proc/locks') ?? '').split('\n')
  return new Set(lines.flatMap((line) => Number(/\bWRITE -?\d+ [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line)?.[1] ?? -1)))
}
