import { spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gone } from './commands.js'

/** The one place where a run of the lab keeps files; nobody else may look inside. */
export interface RunFolder {
  readonly path: string
  /** Writes a file and gives its path. */
  write(name: string, text: string): Promise<string>
  remove(): Promise<void>
}

/** Again until it is gone: whoever still writes there is about to end. */
const janitorScript = 'cat; while ! rm -rf -- "$1"; do sleep 0.1; done'

/**
 * Makes the folder and a janitor for it: a process at the end of a pipe that removes the folder when the pipe
 * closes. So it goes also when the lab is killed and cannot clean up itself.
 */
export async function makeRunFolder(): Promise<RunFolder> {
  const path = await mkdtemp(join(tmpdir(), 'spillway-lab-'))
  const janitor = spawn('sh', ['-c', janitorScript, 'sh', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  return {
    path,
    write: async (name, text) => {
      const file = join(path, name)
      await writeFile(file, text, { mode: 0o600 })
      return file
    },
    remove: async () => {
      janitor.stdin.end()
      await gone(janitor)
    },
  }
}
