import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { SpillwayError } from '../errors.js'
import { tryCommand } from './commands.js'

/** `user`: a user and network namespace, without any right. `root`: a network namespace alone. */
export type Isolation = 'user' | 'root'

/** Each program the lab runs, and the packages that carry it on Debian and on RHEL and Fedora. */
const tools = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  ip: 'iproute2 (Debian) or iproute (RHEL, Fedora)',
  ethtool: 'ethtool',
  ping: 'iputils-ping (Debian) or iputils (RHEL, Fedora)',
} as const

/**
 * Finds out whether this machine can hold the lab, before anything is made.
 *
 * @returns which kind of namespaces it gives.
 * @throws SpillwayError `ERR_MISSING_TOOL`, `ERR_TUN` or `ERR_NAMESPACES`, each with cause and remedy.
 */
export async function checkMachine(): Promise<Isolation> {
  checkTools(process.env.PATH ?? '')
  checkTun('/dev/net/tun')
  return await findIsolation()
}

/** Where administrators' programs live; an ordinary user's PATH on Debian leaves them out. */
const adminFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** PATH with the administrators' folders at its end, so that an ordinary user finds ip and ethtool. */
export function widenPath(path: string): string {
  const folders = path.split(delimiter)
  return [...folders, ...adminFolders.filter((folder) => !folders.includes(folder))].join(delimiter)
}

export function checkTools(path: string): void {
  const folders = path.split(delimiter).filter((folder) => folder !== '')
  const missing = Object.entries(tools).filter(([tool]) => !folders.some((folder) => isExecutable(join(folder, tool))))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map(([, carrier]) => carrier))]
  throw new SpillwayError(
    'ERR_MISSING_TOOL',
    `the lab needs ${missing.map(([tool]) => tool).join(', ')}, not found in PATH (${path})`,
    { hint: `install ${packages.join(', ')}, or run "npm run setup"` },
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Opens the device the way the lab's `ip tuntap` will; opening alone makes nothing. */
function checkTun(path: string): void {
  try {
    closeSync(openSync(path, constants.O_RDWR))
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    throw new SpillwayError('ERR_TUN', `the lab makes a tap and needs to open ${path}: ${code}, ${tunCause(code)}`, {
      hint: tunRemedy(code, path),
      cause,
    })
  }
}

function tunCause(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such device here'
    case 'ENODEV':
    case 'ENXIO':
      return 'the kernel module tun is not loaded'
    case 'EACCES':
      return 'its mode, or a mount without devices, does not let this user'
    case 'EPERM':
      return 'the device is closed to this container'
    default:
      return 'it cannot be opened'
  }
}

function tunRemedy(code: string, path: string): string {
  switch (code) {
    case 'ENOENT':
      return 'load the module ("modprobe tun" as root); in a container add the device ("--device /dev/net/tun")'
    case 'ENODEV':
    case 'ENXIO':
      return 'run "modprobe tun" as root'
    case 'EACCES':
      return `run "chmod 0666 ${path}" as root (the default of Debian and Fedora), or run the lab as root`
    default:
      return 'add the device to the container ("--device /dev/net/tun")'
  }
}

/** Tries it for real: what closes user namespaces differs from host to host, and so does its message. */
async function findIsolation(): Promise<Isolation> {
  const asUser = await tryCommand(['unshare', '-Urn', 'true'])
  if (asUser.exitCode === 0) return 'user'
  const asRoot = await tryCommand(['unshare', '-n', 'true'])
  if (asRoot.exitCode === 0) return 'root'
  const { cause, remedy } = explainClosedNamespaces('/')
  throw new SpillwayError(
    'ERR_NAMESPACES',
    `the lab needs a user and network namespace and got none (${asUser.stderr.trim()}): ${cause}`,
    { hint: `${remedy}, or run the lab as root` },
  )
}

interface Closed {
  readonly cause: string
  readonly remedy: string
}

/** Names the switch that closes user namespaces, from what /proc says under `root`. */
export function explainClosedNamespaces(root: string): Closed {
  const read = (path: string): string => readIfThere(join(root, 'proc', path))
  const sysctl = (name: string, closed: string, open: string): Closed | undefined =>
    read(`sys/${name.replaceAll('.', '/')}`) === closed
      ? { cause: `${name} is ${closed}`, remedy: `run "sysctl -w ${name}=${open}" as root` }
      : undefined
  return (
    sysctl('user.max_user_namespaces', '0', '15000') ??
    sysctl('user.max_net_namespaces', '0', '15000') ??
    sysctl('kernel.unprivileged_userns_clone', '0', '1') ??
    sysctl('kernel.apparmor_restrict_unprivileged_userns', '1', '0') ??
    seccompCloses(read('self/status')) ?? {
      cause: 'nothing in /proc/sys says why; they may be used up, or closed further out or by a security module',
      remedy: "look at the host's user.max_user_namespaces and at its audit log",
    }
  )
}

function seccompCloses(status: string): Closed | undefined {
  if (!/^Seccomp:\s*2$/m.test(status)) return undefined
  return {
    cause: 'this process runs under a seccomp filter, like in a container',
    remedy: 'start the container with "--security-opt seccomp=unconfined"',
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
