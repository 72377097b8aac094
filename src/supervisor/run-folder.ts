import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of this run, 0700, where EAL keeps its files. */
export interface RunFolder {
  readonly path: string
  /** What a dead worker left: EAL's `config` and `fbarray_*` outlive it. */
  clear(): void
  remove(): void
}

/** @param base  where it should be; when that cannot be written, the folder for temporary files. */
export function makeRunFolder(base: string): RunFolder {
  const path = makeFolder([base, tmpdir()])
  return {
    path,
    clear: () => {
      for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true })
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

function makeFolder([base = tmpdir(), ...others]: readonly string[]): string {
  try {
    return mkdtempSync(join(base, 'spillway-run-'))
  } catch (error) {
    if (others.length === 0) throw error
    return makeFolder(others)
  }
}
