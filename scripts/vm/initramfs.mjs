import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { findCommand } from '../setup/capabilities.mjs'
import { run, Stop } from '../setup/run.mjs'
import { fingerprint, readStamp, writeStamp } from '../setup/stamps.mjs'

/** @typedef {import('./kernel.mjs').Kernel} Kernel */

/** What the guest needs to reach its root: this machine's, shared through 9p, below a writable tmpfs. */
const rootModules = ['virtio_pci', '9pnet_virtio', '9p', 'overlay']
const guestFolder = join(import.meta.dirname, 'guest')

/**
 * The initramfs for a kernel: a static busybox, the modules on the way to the root and `guest/init`. Made again when
 * one of these changes.
 *
 * @param {Kernel} kernel
 * @returns {string} its file
 */
export function prepareInitramfs(kernel) {
  const file = join(kernel.tree, 'initramfs.gz')
  const stampFile = `${file}.stamp`
  const stamp = fingerprint(guestFolder, ['init'], [kernel.version, ...rootModules])
  if (existsSync(file) && readStamp(stampFile) === stamp) return file
  const folder = mkdtempSync(join(tmpdir(), 'spillway-initramfs-'))
  try {
    for (const name of ['bin', 'modules']) mkdirSync(join(folder, name))
    cpSync(staticBusybox(), join(folder, 'bin/busybox'), { dereference: true })
    cpSync(join(guestFolder, 'init'), join(folder, 'init'))
    chmodSync(join(folder, 'init'), 0o755)
    const modules = inLoadOrder(kernel)
    for (const path of modules) cpSync(path, join(folder, 'modules', basename(path)))
    writeFileSync(join(folder, 'modules/order'), `${modules.map((path) => basename(path)).join('\n')}\n`)
    run(['sh', '-c', `find . | cpio -o -H newc --quiet | gzip -1 > '${file}'`], {
      cwd: folder,
      failure: 'making the initramfs failed',
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  writeStamp(stampFile, stamp)
  return file
}

function staticBusybox() {
  const path = findCommand('busybox')
  const interpreted = path === undefined || readFileSync(path).includes('/ld-linux')
  if (!interpreted) return path
  const found = path === undefined ? 'none' : `${path}, which needs shared libraries`
  throw new Stop(`vm: need a static busybox, found ${found}; install busybox-static`, 69)
}

/**
 * @param {Kernel} kernel
 * @returns {string[]} paths
 */
function inLoadOrder({ tree, version }) {
  const paths = rootModules.flatMap((name) => {
    const args = ['-d', tree, '-S', version, '--show-depends', name]
    const { stdout, stderr } = spawnSync('modprobe', args, { encoding: 'utf8' })
    const lines = [...(stdout ?? '').matchAll(/^insmod (\S+)/gm)].map(([, path = '']) => path)
    // One that is built in has a line "builtin".
    if (lines.length > 0 || /^builtin /m.test(stdout ?? '')) return lines
    throw new Stop(`vm: kernel ${version} has no module ${name}: ${stderr}`, 69)
  })
  return [...new Set(paths)]
}
