import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { root } from './paths.mjs'
import { run, Stop, say } from './run.mjs'
import { filesBelow, fingerprint, readStamp, writeStamp } from './stamps.mjs'

/**
 * One thing set-up makes. `stamp` describes its inputs now; it is made again when that differs from the stamp of the
 * last time or when an output is gone.
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {string} stampFile
 * @property {readonly string[]} outputs
 * @property {() => string} stamp
 * @property {() => void} make
 */

const nodeVersion = `${process.version} ${process.arch}`

/** Packages that compile themselves, each with what comes of it. */
const compiled = {
  'ffi-napi': 'ffi_bindings.node',
  'ref-napi': 'binding.node',
  '@2060.io/ref-napi': 'binding.node',
}
const compiledFiles = Object.entries(compiled).map(
  ([name, file]) => `${root}/node_modules/${name}/build/Release/${file}`,
)

/** The npm packages of the lockfile. The stamp lies inside node_modules and so goes with it. */
/** @type {Step} */
export const modules = {
  name: 'npm packages',
  stampFile: `${root}/node_modules/.spillway-stamp`,
  outputs: [`${root}/node_modules/.bin/tsc`, ...compiledFiles],
  stamp: () => fingerprint(root, ['package-lock.json', 'package.json'], [process.versions.modules, process.arch]),
  make: () => {
    // npm hands its own settings down, --silent included, which would hide why this failed.
    const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm']
    const options = { cwd: root, env: gypEnvironment(), failure: 'installing npm packages failed' }
    run([...npm, 'ci', '--loglevel=error'], options)
    // With `ignore-scripts=true`, a common hardening, they are not compiled yet.
    if (!compiledFiles.every((path) => existsSync(path))) {
      run([...npm, 'rebuild', ...Object.keys(compiled), '--ignore-scripts=false', '--loglevel=error'], options)
    }
  },
}

/**
 * The addon, the prover, the telemetry relay, the holder of taps, the launcher and the C test programs, from binding.gyp, in `<tree>/build`.
 *
 * @param {string} [tree]  a copy of the checkout for another Node version or other compiler flags
 * @param {readonly string[]} [gypArguments]  such as `-Dsanitize=address,undefined`
 * @returns {Step}
 */
export function native(tree = root, gypArguments = []) {
  const inputs = ['binding.gyp', 'native', 'package-lock.json']
  const compiler = ['CC', 'CXX', 'CFLAGS', 'CXXFLAGS', 'LDFLAGS'].map((name) => process.env[name] ?? '')
  const sanitized = gypArguments.some((argument) => argument.startsWith('-Dsanitize='))
  const programs = [
    'spillway.node',
    'spillway-prover',
    'spillway-telemetry',
    'spillway-hold',
    ...(sanitized ? [] : ['spillway-launch']),
  ]
  const definitions = [...gypArguments, ...launched(tree)]
  return {
    name: 'native code',
    stampFile: `${tree}/build/.spillway-stamp`,
    outputs: programs.map((name) => `${tree}/build/Release/${name}`),
    stamp: () => fingerprint(tree, inputs, [nodeVersion, process.execPath, dpdkVersion(), ...compiler, ...definitions]),
    make: () => {
      const gyp = [process.execPath, `${root}/node_modules/node-gyp/bin/node-gyp.js`, '--loglevel=error']
      // make says each command on stdout; warnings and errors come on stderr.
      const options = { cwd: tree, env: gypEnvironment(), failure: 'building native code failed', quiet: true }
      // The second -f writes compile_commands.json for clangd and clang-tidy.
      const formats = ['--', '-f', 'make', '-f', 'compile_commands_json']
      run([...gyp, 'configure', ...formats, ...definitions], options)
      run([...gyp, 'build', '--jobs=max'], options)
    },
  }
}

/**
 * What `spillway-launch` runs, fixed in the program: this Node and this checkout, or where an image will have them.
 *
 * @param {string} tree
 */
function launched(tree) {
  const node = process.env.SPILLWAY_LAUNCH_NODE || process.execPath
  const entry = process.env.SPILLWAY_LAUNCH_ENTRY || `${tree}/bin/spillway.mjs`
  for (const [name, path] of Object.entries({ SPILLWAY_LAUNCH_NODE: node, SPILLWAY_LAUNCH_ENTRY: entry })) {
    // It goes through gyp, make and the shell into a C string.
    if (/^\/[^\s"'`$\\#]+$/.test(path)) continue
    throw new Stop(`setup: ${name}: expected an absolute path without blanks and quotes, found ${path}`, 64)
  }
  return [`-Dlaunch_node=${node}`, `-Dlaunch_entry=${entry}`]
}

/** dist/ from src/. */
/** @type {Step} */
export const typescript = {
  name: 'TypeScript',
  stampFile: `${root}/dist/.spillway-stamp`,
  outputs: [`${root}/dist/cli/main.js`],
  stamp: () => fingerprint(root, ['src', 'tsconfig.json', 'package-lock.json'], []),
  make: () => {
    run([process.execPath, `${root}/node_modules/typescript/bin/tsc`], { cwd: root, failure: 'compiling src failed' })
    removeOrphans()
  },
}

/** Makes what is stale, in order. A failed step leaves no stamp, so the next run tries again. */
export function makeStale(/** @type {readonly Step[]} */ steps) {
  for (const step of steps) {
    if (!isStale(step)) continue
    const before = performance.now()
    const stamp = step.stamp()
    say(`${step.name} ...`)
    rmSync(step.stampFile, { force: true })
    step.make()
    writeStamp(step.stampFile, stamp)
    say(`${step.name}: ${((performance.now() - before) / 1000).toFixed(1)} s`)
  }
}

export function isStale(/** @type {Step} */ step) {
  return !step.outputs.every((path) => existsSync(path)) || readStamp(step.stampFile) !== step.stamp()
}

/** With the headers that lie next to this Node, node-gyp downloads none. */
function gypEnvironment() {
  const prefix = resolve(process.execPath, '../..')
  if (!existsSync(`${prefix}/include/node/node_api.h`)) return process.env
  return { ...process.env, npm_package_config_node_gyp_nodedir: prefix }
}

function dpdkVersion() {
  return spawnSync('pkg-config', ['--modversion', 'libdpdk', 'libpcap'], { encoding: 'utf8' }).stdout
}

/** tsc never removes what came from a source that is gone; tests and imports would still find it. */
function removeOrphans() {
  for (const path of filesBelow(root, 'dist')) {
    const source = path.replace(/^dist\//, 'src/').replace(/\.js(\.map)?$/, '.ts')
    if (source.endsWith('.ts') && !existsSync(join(root, source))) rmSync(join(root, path))
  }
}
