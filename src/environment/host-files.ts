import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { readStatTable, type StatTable } from './stat-table.js'
import type { FileOwner } from './types.js'

/**
 * The files of a host, real (`/`) or a folder with copies. What is not there or may not be read is undefined.
 * Paths have no leading slash, as they are below the root.
 */
export class HostFiles {
  /** Whether these are the files of the machine that runs us. */
  readonly real: boolean
  readonly root: string
  readonly #table: StatTable

  constructor(root: string) {
    this.root = resolve(root)
    this.real = this.root === '/'
    this.#table = this.real ? new Map() : readStatTable(this.root)
  }

  text(path: string): string | undefined {
    if (this.#table.get(`/${path}`)?.errno !== undefined) return undefined
    try {
      // Not by way of bytes(): with an encoding Node reads in one call, and we read thousands of small files.
      return readFileSync(join(this.root, path), 'utf8')
    } catch {
      return undefined
    }
  }

  bytes(path: string): Buffer | undefined {
    if (this.#table.get(`/${path}`)?.errno !== undefined) return undefined
    try {
      return readFileSync(join(this.root, path))
    } catch {
      return undefined
    }
  }

  /** The last bytes of a file that may be long. */
  tail(path: string, most: number): string | undefined {
    let file: number | undefined
    try {
      file = openSync(join(this.root, path), constants.O_RDONLY | constants.O_NONBLOCK)
      const { size } = fstatSync(file)
      const buffer = Buffer.alloc(Math.min(size, most))
      return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, size - buffer.length))
    } catch {
      return undefined
    } finally {
      if (file !== undefined) closeSync(file)
    }
  }

  /** A file that holds one number; undefined also when it holds something else, such as `max`. */
  number(path: string): number | undefined {
    const text = this.text(path)?.trim()
    return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined
  }

  exists(path: string): boolean {
    return this.#table.has(`/${path}`) || existsSync(join(this.root, path))
  }

  /** Names in a folder, in order; none when it cannot be read. */
  names(path: string): string[] {
    const prefix = `/${path}/`
    const listed = [...this.#table.keys()].flatMap((key) =>
      key.startsWith(prefix) && !key.slice(prefix.length).includes('/') ? [key.slice(prefix.length)] : [],
    )
    try {
      return [...new Set([...readdirSync(join(this.root, path)), ...listed])].sort()
    } catch {
      return listed.sort()
    }
  }

  /** The last part of what a symbolic link points to. */
  linkName(path: string): string | undefined {
    try {
      return basename(readlinkSync(join(this.root, path)))
    } catch {
      return undefined
    }
  }

  /** Owner and mode. Of a copied host those of its `.stat.json`, else what most files have there: root's, for all to read. */
  owner(path: string): FileOwner | null {
    const entry = this.#table.get(`/${path}`)
    if (entry !== undefined) return { mode: Number.parseInt(entry.mode, 8) & 0o7777, uid: entry.uid, gid: entry.gid }
    try {
      const { mode, uid, gid } = statSync(join(this.root, path))
      return this.real ? { mode: mode & 0o7777, uid, gid } : { mode: 0o666, uid: 0, gid: 0 }
    } catch {
      return null
    }
  }

  /** Whether a path that exists is a character device; of a copied host everything is that its table does not deny. */
  isDevice(path: string): boolean {
    if (!this.real) return this.#table.get(`/${path}`)?.type !== 'file'
    return statSync(join(this.root, path), { throwIfNoEntry: false })?.isCharacterDevice() ?? false
  }

  /** The inode's number; of a copied host it says nothing. */
  inode(path: string): number | undefined {
    return this.real ? statSync(join(this.root, path), { throwIfNoEntry: false })?.ino : undefined
  }

  /** An absolute path without symbolic links; on a copied host, or when it does not exist, the path itself. */
  resolve(path: string): string {
    try {
      return this.real ? realpathSync(path) : path
    } catch {
      return path
    }
  }

  /** What opening for reading and writing says; undefined when it works. Of a copied host, what its table says. */
  openError(path: string): string | undefined {
    return this.#tryOpen(path, constants.O_RDWR)
  }

  /** What opening for reading says; undefined when it works. */
  readError(path: string): string | undefined {
    return this.#tryOpen(path, constants.O_RDONLY)
  }

  #tryOpen(path: string, flags: number): string | undefined {
    if (!this.real) return this.#table.get(`/${path}`)?.errno
    try {
      closeSync(openSync(join(this.root, path), flags | constants.O_NONBLOCK))
      return undefined
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error)
    }
  }
}
