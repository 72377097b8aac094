/**
 * `npm run dev`: runs the lab, and whenever a source changes builds what is stale and starts the lab again. Arguments
 * after `--` go to the lab. A build that fails leaves the running lab alone. How to attach gdb: CONTRIBUTING.md.
 */
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { isStale, makeStale, native, typescript } from './setup/build.mjs'
import { withLock } from './setup/lock.mjs'
import { root, searchPath } from './setup/paths.mjs'
import { Stop, say } from './setup/run.mjs'

/** Editors write a file in several steps, and a checkout writes many files. */
const quietMs = 200

process.env.PATH = searchPath()
const steps = [native(), typescript]
/** @type {import('node:child_process').ChildProcess | undefined} */
let lab
let ending = false

startLab()
watchSources()
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => void end(signal))

function startLab() {
  const child = spawn(process.execPath, [`${root}/bin/spillway.mjs`, 'lab', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  })
  child.on('exit', (code) => {
    if (lab === child) say(`the lab ended with exit ${code}; it starts again with the next change`)
    lab = undefined
  })
  lab = child
}

/** Ask and wait: the lab takes its namespaces down by itself. */
async function stopLab(/** @type {NodeJS.Signals} */ signal) {
  const child = lab
  if (!child) return
  lab = undefined
  const ended = new Promise((resolve) => child.on('exit', resolve))
  child.kill(signal)
  await ended
}

function watchSources() {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  let building = Promise.resolve()
  const changed = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      building = building.then(rebuild)
    }, quietMs)
  }
  for (const folder of ['src', 'native']) watch(`${root}/${folder}`, { recursive: true }, changed)
  watch(`${root}/binding.gyp`, changed)
}

async function rebuild() {
  if (ending || !steps.some(isStale)) return
  try {
    await withLock(() => makeStale(steps))
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    say(`${error.message.replace(/^setup: /, '')}; the lab stays as it is`)
    return
  }
  await stopLab('SIGTERM')
  if (!ending) startLab()
}

/** On Ctrl-C the terminal has told the lab already; telling it twice is harmless (it ignores a quick second one). */
async function end(/** @type {NodeJS.Signals} */ signal) {
  if (ending) return
  ending = true
  await stopLab(signal)
  process.exit(0)
}
