import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { SpillwayError } from '../errors.js'

/**
 * Where the program is: before anything is started for it.
 *
 * @throws SpillwayError `ERR_MISSING_TOOL`
 */
export function findProgram(name: string, path: string = process.env.PATH ?? ''): string {
  const candidates = name.includes('/')
    ? [resolve(name)]
    : path.split(delimiter).flatMap((folder) => (folder === '' ? [] : [join(folder, name)]))
  const found = candidates.find(isProgram)
  if (found !== undefined) return found
  const where = name.includes('/') ? 'no executable file there' : `none in PATH (${path})`
  throw new SpillwayError('ERR_MISSING_TOOL', `need the program ${name}, found ${where}`, {
    hint: 'name it as the image has it, with its path if it is not in PATH',
  })
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
