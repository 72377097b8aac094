import type { HostFiles } from './host-files.js'

export interface Mount {
  readonly path: string
  readonly type: string
  readonly options: readonly string[]
}

/** More than any pod has; a machine with thousands need not slow us. */
const mostMounts = 4096

/** The mounts of this mount namespace. @see proc_pid_mounts(5), fstab(5) */
export function readMounts(files: HostFiles): Mount[] {
  const lines = (files.text('proc/self/mounts') ?? '').split('\n', mostMounts)
  return lines.flatMap((line) => {
    const [, path, type, options] = line.split(' ')
    if (path === undefined || type === undefined || options === undefined) return []
    return [{ path: unescapePath(path), type, options: options.split(',') }]
  })
}

/** Blanks are written as `\040`. */
function unescapePath(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** Whether a path lies on a mount that is read-only: the one with the longest path around it, and of those the last. */
export function isOnReadOnlyMount(files: HostFiles, path: string): boolean {
  const target = files.resolve(path)
  const around = readMounts(files).filter((mount) => mount.path === '/' || `${target}/`.startsWith(`${mount.path}/`))
  const longest = Math.max(...around.map((mount) => mount.path.length))
  return around.findLast((mount) => mount.path.length === longest)?.options.includes('ro') ?? false
}
