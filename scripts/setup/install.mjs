import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addBackports, fromBackports, release } from './backports.mjs'
import { findCommand, missingCapabilities } from './capabilities.mjs'
import { toolsDir } from './paths.mjs'
import { commandLine, run, Stop, say } from './run.mjs'

/** @typedef {import('../packages.mjs').Capability} Capability */

/**
 * Makes sure the machine can do what these groups need: installs what is missing where that is possible and allowed
 * (`SPILLWAY_NO_INSTALL=1` forbids it), else says what to type.
 *
 * @throws {Stop} with exit code 69 when something stays missing
 */
export function ensureCapabilities(/** @type {ReadonlySet<string>} */ groups) {
  const missing = missingCapabilities(groups)
  if (missing.length === 0) return
  say(`missing: ${missing.map(({ name }) => name).join(', ')}`)

  const manager = findManager()
  const forbidden = !['', '0'].includes(process.env.SPILLWAY_NO_INSTALL ?? '')
  const prefix = forbidden ? undefined : rootPrefix()
  const toInstall = missing.filter((capability) => !manager?.unpacks(capability))
  const toUnpack = missing.filter((capability) => manager?.unpacks(capability))

  if (!manager || forbidden || (toInstall.length > 0 && !prefix))
    throw whatToType(manager, toInstall, toUnpack, forbidden)
  if (prefix) for (const argv of commands(manager, toInstall)) announce([...prefix, ...argv])
  for (const capability of toUnpack) unpackDebian(capability)

  const still = missingCapabilities(groups)
  if (still.length === 0) return
  throw new Stop(`setup: still missing after the installation: ${still.map(({ name }) => name).join(', ')}`, 69)
}

/**
 * @typedef {object} Manager
 * @property {'apt' | 'dnf'} column  of the package table
 * @property {readonly string[][]} update  commands that go before an installation
 * @property {(packages: string[], suite?: string) => string[]} install
 * @property {(capability: Capability) => boolean} unpacks
 */

/** @type {readonly Manager[]} */
const managers = [
  {
    column: 'apt',
    unpacks: (capability) => capability.unpack === true,
    // A fresh container has no package lists, and old lists name versions that the mirror no longer has.
    update: [['apt-get', 'update', '-qq']],
    install: (packages, suite) => [
      ...['apt-get', 'install', '-y', '--no-install-recommends'],
      ...(suite === undefined ? [] : ['-t', suite]),
      ...packages,
    ],
  },
  {
    column: 'dnf',
    unpacks: () => false,
    update: [],
    install: (packages) => ['dnf', 'install', '-y', ...packages],
  },
]

function findManager() {
  return managers.find(({ column }) => findCommand(column === 'apt' ? 'apt-get' : 'dnf') !== undefined)
}

/** What goes in front of a command to run it as root, or undefined when we cannot. */
function rootPrefix() {
  if (process.getuid?.() === 0) return []
  const sudo = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' })
  return sudo.status === 0 ? ['sudo', '-n'] : undefined
}

/**
 * What has to run as root. Also when there is nothing to install but something to unpack, the lists must be there.
 *
 * @param {Manager} manager
 * @param {readonly Capability[]} toInstall
 */
function commands(manager, toInstall) {
  const later = toInstall.filter((capability) => manager.column === 'apt' && fromBackports(capability))
  const now = toInstall.filter((capability) => !later.includes(capability))
  const argvs = [...(later.length > 0 ? addBackports() : []), ...manager.update]
  if (now.length > 0) argvs.push(manager.install(packageNames(manager, now)))
  if (later.length > 0) argvs.push(manager.install(packageNames(manager, later), `${release()}-backports`))
  return argvs
}

/**
 * @param {Manager} manager
 * @param {readonly Capability[]} list
 */
function packageNames(manager, list) {
  const unpackaged = list.find((capability) => capability[manager.column].length === 0)
  if (unpackaged) throw new Stop(`setup: no ${manager.column} package has ${unpackaged.name}: install it by hand`, 69)
  return [...new Set(list.flatMap((capability) => capability[manager.column]))]
}

/** Prints a command, then runs it. */
function announce(/** @type {readonly string[]} */ argv, /** @type {string | undefined} */ cwd = undefined) {
  say(`$ ${commandLine(argv)}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run(argv, { env, failure: 'the installation failed', exitCode: 69, ...(cwd === undefined ? {} : { cwd }) })
}

/**
 * Takes one program out of a Debian package without installing it: no maintainer script runs, no service starts, and
 * no privilege is needed.
 *
 * @param {Capability} capability
 */
function unpackDebian({ apt, probe }) {
  if (!('command' in probe)) throw new Stop('setup: only a command can be unpacked', 70)
  const scratch = mkdtempSync(join(tmpdir(), 'spillway-setup-'))
  try {
    // apt drops root's privileges for the download and warns when it cannot write here.
    chmodSync(scratch, 0o777)
    announce(['apt-get', 'download', ...apt], scratch)
    const archive = readdirSync(scratch).find((name) => name.endsWith('.deb')) ?? ''
    announce(['dpkg-deb', '--extract', join(scratch, archive), join(scratch, 'tree')])
    mkdirSync(toolsDir, { recursive: true })
    copyFileSync(join(scratch, 'tree/usr/bin', probe.command), join(toolsDir, probe.command))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * @param {Manager | undefined} manager
 * @param {readonly Capability[]} toInstall
 * @param {readonly Capability[]} toUnpack
 * @param {boolean} forbidden
 */
function whatToType(manager, toInstall, toUnpack, forbidden) {
  if (!manager) return new Stop('setup: neither apt-get nor dnf here: install what is missing by hand', 69)
  const sudo = process.getuid?.() === 0 ? [] : ['sudo']
  const lines = commands(manager, toInstall).map((argv) => commandLine([...sudo, ...argv]))
  if (toUnpack.length > 0) lines.push('SPILLWAY_NO_INSTALL= node scripts/setup.mjs test')
  const why = forbidden ? 'SPILLWAY_NO_INSTALL is set' : 'installing needs root, or sudo without a password'
  return new Stop(`setup: ${why}. Type this, then try again:\n\n  ${lines.join(' && ')}\n`, 69)
}
