import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConfigSources, loadConfig } from '../../../src/config/load.js'
import { SpillwayError } from '../../../src/errors.js'

/** Calls `act` with a file that holds `text` and is gone afterwards. */
export function withFile<Result>(text: string | Uint8Array, act: (file: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-config-'))
  try {
    const file = join(folder, 'spillway.yaml')
    writeFileSync(file, text)
    return act(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Loads this text as the configuration file, under the other sources. */
export function load(text: string, others: Omit<ConfigSources, 'file'> = {}) {
  return withFile(text, (file) => loadConfig({ file, ...others }))
}

export const set = (path: string, text: string, flag = '--set') => ({ flag, path, text })

/** The lines of the ERR_CONFIG that loading ends with; FILE stands for the file's name. */
export function problems(text: string | Uint8Array, others: Omit<ConfigSources, 'file'> = {}): string[] {
  return withFile(text, (file) => {
    try {
      loadConfig({ file, ...others })
    } catch (error) {
      if (error instanceof SpillwayError && error.code === 'ERR_CONFIG' && error.exitCode === 78) {
        return error.message.replaceAll(file, 'FILE').split('\n')
      }
      throw error
    }
    throw new Error('expected ERR_CONFIG, and the configuration was accepted')
  })
}
