import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { root } from '../setup/paths.mjs'
import { run } from '../setup/run.mjs'

/** @typedef {import('./guest.mjs').Guest} Guest */

/** What a start of Spillway reads, file by file: through 9p that is half of an emulated start. */
const folders = ['bin', 'dist', 'node_modules']
const inMemory = '/run/checkout'

/**
 * Lays a copy of the checkout's JavaScript, in the guest's memory, over the folders that the guest shares with the host.
 * Of node_modules it has what the product depends on.
 *
 * @param {Guest} guest
 * @param {string} [below]  another root of the guest in which the checkout is to be seen so
 */
export async function copyCheckout(guest, below = '') {
  const present = await guest.run(['test', '-d', inMemory])
  if (present.exitCode !== 0) await unpack(guest)
  await guest.script(folders.map((name) => `mount --bind ${inMemory}/${name} ${below}${root}/${name}`).join('\n'))
}

async function unpack(/** @type {Guest} */ guest) {
  const scratch = mkdtempSync(join(tmpdir(), 'spillway-checkout-'))
  const archive = join(scratch, 'checkout.tar')
  try {
    const without = ['*.d.ts', '*.d.mts', '*.d.cts', '*.map', '*.md'].map((pattern) => `--exclude=${pattern}`)
    const argv = ['tar', '-cf', archive, '-C', root, ...without, 'bin', 'dist', ...productionPackages()]
    run(argv, { failure: 'packing the checkout failed' })
    // The guest sees the archive where the host has it.
    await guest.script(`mkdir ${inMemory} && tar -xf ${archive} -C ${inMemory}`)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** @returns {string[]} folders of packages, relative to the checkout */
function productionPackages() {
  const { stdout } = spawnSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: root, encoding: 'utf8' })
  return stdout
    .split('\n')
    .map((path) => relative(root, path))
    .filter((path) => path.startsWith('node_modules/'))
}
