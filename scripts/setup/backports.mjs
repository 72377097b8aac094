import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { Stop } from './run.mjs'

/** @typedef {import('../packages.mjs').Capability} Capability */

const sourceFile = '/etc/apt/sources.list.d/spillway-backports.sources'

/** The code name of this Debian release, such as bookworm; empty elsewhere. */
export function release() {
  if (!existsSync('/etc/os-release')) return ''
  return /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
}

/** Whether this release is too old for it and its backports are not. */
export function fromBackports(/** @type {Capability} */ { backports = [] }) {
  return backports.includes(release())
}

/**
 * The commands that add the backports of this release, from the mirror that apt uses already; none when they are there. apt
 * installs nothing from them unless it is told to.
 *
 * @returns {string[][]}
 */
export function addBackports() {
  const suite = `${release()}-backports`
  const targets = listTargets()
  if (targets.some((target) => target.release === suite)) return []
  const main = targets.find((target) => target.release === release() && target.component === 'main')
  if (main === undefined) throw new Stop(`setup: apt has no source of ${release()} main: add ${suite} by hand`, 69)
  const lines = ['Types: deb', `URIs: ${main.uri}`, `Suites: ${suite}`, 'Components: main', ...signedBy(main.signedBy)]
  return [['sh', '-c', `printf '%s\\n' "$@" > ${sourceFile}`, 'sh', ...lines]]
}

function listTargets() {
  const format = '$(RELEASE)\t$(COMPONENT)\t$(REPO_URI)\t$(SIGNED_BY)'
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  })
  return (stdout ?? '').split('\n').map((line) => {
    const [release = '', component = '', uri = '', signedBy = ''] = line.split('\t')
    return { release, component, uri, signedBy }
  })
}

/** apt leaves the placeholder in place when a source names no key. */
function signedBy(/** @type {string} */ text) {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  if (text !== '' && !text.startsWith('$')) return [`Signed-By: ${text}`]
  return existsSync(keyring) ? [`Signed-By: ${keyring}`] : []
}
