import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * A stamp says from which inputs something was made: a hash over the contents of files and over strings such as the
 * Node version. Contents, not times, so that a `git checkout` back and forth builds nothing.
 *
 * @param {string} root
 * @param {readonly string[]} paths    files or folders below `root`; those that do not exist count as empty
 * @param {readonly string[]} strings
 */
export function fingerprint(root, paths, strings) {
  const hash = createHash('sha256')
  for (const text of strings) hash.update(`${text}\0`)
  for (const path of paths.flatMap((start) => filesBelow(root, start))) {
    hash.update(`${path}\0`)
    hash.update(readFileSync(join(root, path)))
  }
  return hash.digest('hex')
}

/** @returns {string | undefined} */
export function readStamp(/** @type {string} */ file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

export function writeStamp(/** @type {string} */ file, /** @type {string} */ value) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, value)
}

/**
 * @param {string} root
 * @param {string} start
 * @returns {string[]} paths below `root`, sorted
 */
export function filesBelow(root, start) {
  try {
    return readdirSync(join(root, start), { withFileTypes: true })
      .flatMap((entry) =>
        entry.isDirectory() ? filesBelow(root, `${start}/${entry.name}`) : [`${start}/${entry.name}`],
      )
      .sort()
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'ENOTDIR') return [start]
    if (code === 'ENOENT') return []
    throw error
  }
}
