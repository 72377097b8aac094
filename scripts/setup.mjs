/**
 * Makes this checkout ready: `node scripts/setup.mjs GROUP...` (groups: scripts/packages.mjs). Needs nothing but Node.
 *
 *   1. the machine can do what the groups need, or gets what is missing;
 *   2. node_modules, the native build and dist are what their sources say.
 *
 * When nothing is stale it costs about 0.1 s, so every npm script begins with it.
 */
import { groups as knownGroups } from './packages.mjs'
import { isStale, makeStale, modules, native, typescript } from './setup/build.mjs'
import { ensureCapabilities } from './setup/install.mjs'
import { withLock } from './setup/lock.mjs'
import { searchPath } from './setup/paths.mjs'
import { main, Stop } from './setup/run.mjs'

const oldestNode = [20, 19]

await main(async () => {
  checkNode()
  process.env.PATH = searchPath()
  ensureCapabilities(readGroups(process.argv.slice(2)))
  const steps = [modules, native(), typescript]
  if (steps.some(isStale)) await withLock(() => makeStale(steps))
})

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  throw new Stop(`setup: Spillway needs Node ${oldestNode.join('.')} or newer, this is ${process.version}`, 69)
}

/** @returns {ReadonlySet<string>} */
function readGroups(/** @type {string[]} */ words) {
  const unknown = words.find((word) => !knownGroups.some((group) => group === word))
  if (unknown !== undefined) throw new Stop(`setup: no group ${unknown}: there are ${knownGroups.join(', ')}`, 64)
  return new Set(words.length > 0 ? words : ['build'])
}
