import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Bits of the capabilities that a Spillway pod may be granted, and of one that it never uses. */
export const capability = { netBindService: 1n << 10n, netAdmin: 1n << 12n, netRaw: 1n << 13n, ipcLock: 1n << 14n }

export const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
export const programs = `${checkout}/build/Release`
const asContainer = `${programs}/spillway-as-container`
const ordinaryUser = 1001

/** How a runtime starts the entrypoint of a pod that does not run as root: what it adds is permitted and bounding only. */
export interface Container {
  /** `capabilities.add`. */
  readonly added?: bigint
  /** What the runtime leaves permitted at the exec, when that is not what was added. */
  readonly permitted?: bigint
  readonly inheritable?: bigint
  readonly ambient?: bigint
  /** `allowPrivilegeEscalation: false`. */
  readonly noNewPrivs?: boolean
  readonly memlockBytes?: number
  readonly uid?: number
  /** Descriptors that are closed at the exec. */
  readonly closed?: string
  /** Starts the program with argc 0. */
  readonly noArguments?: boolean
  readonly env?: NodeJS.ProcessEnv
}

export interface Run {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The command line that starts `command` as a container's entrypoint. */
export function entrypoint(container: Container, command: readonly string[]): string[] {
  const { added = 0n, permitted = added, inheritable = 0n, ambient = 0n, uid = ordinaryUser } = container
  const masks = Object.entries({ bounding: added, permitted, inheritable, ambient })
  return [
    asContainer,
    ...masks.flatMap(([name, mask]) => [`--${name}`, mask.toString(16)]),
    ...['--uid', String(uid), '--gid', String(uid), '--memlock', String(container.memlockBytes ?? 65_536)],
    ...(container.noNewPrivs ? ['--no-new-privs'] : []),
    ...(container.closed === undefined ? [] : ['--close', container.closed]),
    ...(container.noArguments ? ['--no-arguments'] : []),
    '--',
    ...command,
  ]
}

export function runInContainer(container: Container, ...command: string[]): Run {
  const [file = '', ...args] = entrypoint(container, command)
  const env = { PATH: process.env.PATH, ...container.env }
  const { status, stdout, stderr } = spawnSync(file, args, { env, cwd: '/', encoding: 'utf8', timeout: 30_000 })
  return { exitCode: status, stdout, stderr }
}

const folders: string[] = []

/** A folder of root's that every user may enter, like the file system of an image. */
export function makeImageFolder(): string {
  // Only the name of the tests' own folder gets known by that.
  if (tmpdir() !== '/tmp') chmodSync(tmpdir(), 0o711)
  const folder = mkdtempSync(join(tmpdir(), 'image-'))
  chmodSync(folder, 0o755)
  folders.push(folder)
  return folder
}

/** For an `afterAll`. */
export function removeImageFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** A copy of a program with file capabilities, in setcap's words: `cap_ipc_lock+ep`. */
export function copyWithCapabilities(program: string, copy: string, text: string): string {
  copyFileSync(program, copy)
  chmodSync(copy, 0o755)
  setCapabilities(copy, text)
  return copy
}

export function setCapabilities(file: string, text: string): void {
  const { status, stderr } = spawnSync('setcap', [text, file], { env: sbinToo(), encoding: 'utf8' })
  if (status !== 0) throw new Error(`setcap ${text} ${file}: ${stderr.trim()}`)
}

/**
 * What this machine lacks for these tests, or undefined. They need what a container runtime needs, and a file system that
 * keeps capabilities and honours them.
 */
export function missingForContainers(): string | undefined {
  if (process.getuid?.() !== 0) return 'root'
  if (spawnSync('setcap', ['-h'], { env: sbinToo() }).error) return 'setcap (libcap2-bin)'
  const folder = makeImageFolder()
  try {
    return missingForCapabilities(folder) ?? missingForUser()
  } finally {
    removeImageFolders()
  }
}

function missingForCapabilities(folder: string): string | undefined {
  if (isNosuid(folder)) return `a temporary folder that is not mounted nosuid (${folder})`
  const program = join(folder, 'true')
  try {
    copyWithCapabilities('/bin/true', program, 'cap_net_raw+p')
  } catch (error) {
    return `CAP_SETFCAP and a file system that keeps file capabilities (${(error as Error).message})`
  }
  // Outside the bounding set, and it starts all the same: the file capability is not effective.
  const { exitCode, stderr } = runInContainer({ added: capability.ipcLock }, program)
  return exitCode === 0 ? undefined : `the right to start a program as uid ${ordinaryUser} (${stderr.trim()})`
}

function missingForUser(): string | undefined {
  if (runInContainer({}, process.execPath, '-e', '0').exitCode !== 0) {
    return `a node that uid ${ordinaryUser} can run (${process.execPath})`
  }
  const reached = runInContainer({}, '/bin/cat', `${checkout}/package.json`).exitCode === 0
  return reached ? undefined : `a checkout that uid ${ordinaryUser} can read (${checkout})`
}

/** The mount with the longest path that the folder lies below. */
function isNosuid(folder: string): boolean {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , , , point = '']) => folder === point || folder.startsWith(point.endsWith('/') ? point : `${point}/`))
    .sort(([, , , , a = ''], [, , , , b = '']) => a.length - b.length)
  return mounts.at(-1)?.[5]?.split(',').includes('nosuid') ?? false
}

function sbinToo(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
}
