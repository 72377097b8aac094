import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, root } from './paths.mjs'

const madeHere = new Set(['.git', 'node_modules', 'build', 'dist', 'coverage', '.cache'])

/**
 * Copies the sources to a folder below .cache, to be built there in another way (for another Node, with sanitizers)
 * while the checkout's own build stays. File times are kept and earlier products stay, so make builds only what changed.
 *
 * @param {string} name
 * @returns {string} the folder
 */
export function copySources(name) {
  const tree = join(cacheDir, name)
  mkdirSync(tree, { recursive: true })
  for (const entry of sources(tree)) rmSync(join(tree, entry), { recursive: true })
  for (const entry of sources(root)) {
    cpSync(join(root, entry), join(tree, entry), { recursive: true, preserveTimestamps: true })
  }
  return tree
}

function sources(/** @type {string} */ folder) {
  return readdirSync(folder).filter((entry) => !madeHere.has(entry))
}
