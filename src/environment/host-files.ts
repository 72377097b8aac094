import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { DeviceNode } from './types.js'

/** The files of a host, real (`/`) or a fixture folder. What is not there or may not be read is undefined. */
export class HostFiles {
  constructor(readonly root: string) {}

  text(path: string): string | undefined {
    try {
      return readFileSync(join(this.root, path), 'utf8')
    } catch {
      return undefined
    }
  }

  /** A file that holds one number; undefined also when it holds something else, such as `max`. */
  number(path: string): number | undefined {
    const text = this.text(path)?.trim()
    return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined
  }

  /** Names in a folder, in order; none when it cannot be read. */
  names(path: string): string[] {
    try {
      return readdirSync(join(this.root, path)).sort()
    } catch {
      return []
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

  /** Opens and closes a device: only that tells about modes, the device cgroup and a missing module at once. */
  access(path: string): DeviceNode {
    try {
      closeSync(openSync(join(this.root, path), constants.O_RDWR))
      return { path, owner: null, state: 'usable' }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error)
      return { path, owner: null, state: code === 'ENOENT' ? 'missing' : 'refused', error: code }
    }
  }
}
