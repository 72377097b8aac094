import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { capabilities } from '../packages.mjs'
import { searchPath } from './paths.mjs'

/** @typedef {import('../packages.mjs').Capability} Capability */

/**
 * Which capabilities of these groups the machine lacks. Cheap enough for every start: files are looked at, and one
 * pkg-config is asked for all modules; only when that says no is it asked one by one.
 *
 * @param {ReadonlySet<string>} groups
 * @returns {Capability[]}
 */
export function missingCapabilities(groups) {
  const asked = capabilities.filter((capability) => capability.groups.some((group) => groups.has(group)))
  const modules = asked.flatMap(({ probe }) => ('pkgConfig' in probe ? [probe.pkgConfig] : []))
  const allModules = modules.length === 0 || pkgConfigExists(modules)
  return asked.filter(({ probe }) => {
    if ('command' in probe) return findCommand(probe.command) === undefined || majorOf(probe) < (probe.major ?? 0)
    if ('file' in probe) return !probe.file.some((path) => existsSync(path))
    return !allModules && !pkgConfigExists([probe.pkgConfig])
  })
}

/** Full path of a command, or undefined. */
export function findCommand(/** @type {string} */ name) {
  for (const folder of searchPath().split(':')) {
    const path = `${folder}/${name}`
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  return undefined
}

/** 0 when it says none. @param {{ command: string, major?: number }} probe */
function majorOf({ command, major }) {
  if (major === undefined) return 0
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' })
  return Number(/version (\d+)/.exec(stdout ?? '')?.[1] ?? 0)
}

function pkgConfigExists(/** @type {readonly string[]} */ modules) {
  return spawnSync('pkg-config', ['--exists', ...modules], { stdio: 'ignore' }).status === 0
}
