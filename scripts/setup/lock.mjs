import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheDir } from './paths.mjs'
import { say } from './run.mjs'

const lockFile = `${cacheDir}/setup.lock`

/**
 * Runs `body` while no other set-up of this checkout builds. A lock whose owner is gone is taken over.
 *
 * @param {() => void} body
 */
export async function withLock(body) {
  mkdirSync(cacheDir, { recursive: true })
  for (let told = false; !tryLock(); told = true) {
    if (!told) say(`waiting for another set-up, pid ${owner()}`)
    await sleep(200)
  }
  try {
    body()
  } finally {
    rmSync(lockFile, { force: true })
  }
}

function tryLock() {
  try {
    const descriptor = openSync(lockFile, 'wx')
    writeSync(descriptor, String(process.pid))
    closeSync(descriptor)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error
    if (isGone(owner())) rmSync(lockFile, { force: true })
    return false
  }
}

function owner() {
  try {
    return Number(readFileSync(lockFile, 'utf8'))
  } catch {
    return 0
  }
}

/** A pid of 0 is a lock that is being written or was just removed: look again. */
function isGone(/** @type {number} */ pid) {
  if (pid === 0) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}
