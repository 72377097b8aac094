import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SpillwayError } from '../errors.js'

/** A folder of this run, 0700, where EAL keeps its files. */
export interface RunFolder {
  readonly path: string
  /** What a dead worker left: EAL's `config` and `fbarray_*` outlive it. */
  clear(): void
  remove(): void
}

/**
 * @param base  where it should be; when that cannot be written, the folder for temporary files.
 * @throws SpillwayError `ERR_RUN_FOLDER` when neither can be
 */
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

function makeFolder(bases: readonly string[]): string {
  const problems: string[] = []
  for (const base of new Set(bases)) {
    try {
      return mkdtempSync(join(base, 'spillway-run-'))
    } catch (error) {
      problems.push(`${base}: ${(error as NodeJS.ErrnoException).code}`)
    }
  }
  throw new SpillwayError('ERR_RUN_FOLDER', `need a folder that can be written, found ${problems.join(', ')}`, {
    hint: 'mount an emptyDir, and set RUNTIME_DIRECTORY to it',
  })
}
