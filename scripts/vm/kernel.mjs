import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { release } from '../setup/backports.mjs'
import { cacheDir } from '../setup/paths.mjs'
import { run, Stop } from '../setup/run.mjs'

/** Kernel, modules and initramfs; made once and kept. */
export const vmCacheDir = `${cacheDir}/vm`

/**
 * @typedef {'stable' | 'backports'} KernelSource  of this Debian, or the newest that it has: of its backports where apt knows
 *   them
 */

/** What the kernel package, unpacked twice (archive and tree), its image and the initramfs take at most. */
const roomMib = 700

/**
 * @typedef {object} Kernel
 * @property {string} version  as uname -r says it
 * @property {string} image    what QEMU boots
 * @property {string} tree     the unpacked package: lib/modules is below
 */

/**
 * The stock kernel of this Debian, downloaded and unpacked, never installed: no maintainer script runs. The generic
 * flavour, since the cloud one is built without 9p, igb and igbvf.
 *
 * @param {KernelSource} [source]
 * @returns {Kernel}
 */
export function prepareKernel(folder = vmCacheDir, source = 'stable') {
  const tree = join(folder, source === 'stable' ? 'kernel' : `kernel-${source}`)
  if (!existsSync(join(tree, 'complete'))) fetchKernel(folder, tree, source)
  const [version] = readdirSync(join(tree, 'lib/modules'))
  if (version === undefined) throw new Stop(`vm: need a kernel below ${tree}, found none; remove that folder`, 70)
  return { version, image: join(tree, 'kernel.img'), tree }
}

/**
 * @param {string} folder
 * @param {string} tree
 * @param {KernelSource} source
 */
function fetchKernel(folder, tree, source) {
  rmSync(tree, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  checkRoom(folder)
  const name = kernelPackage(source)
  const downloads = join(folder, 'download')
  mkdirSync(downloads, { recursive: true, mode: 0o777 })
  run(['apt-get', 'download', '-qq', '-o', 'APT::Sandbox::User=root', name], {
    cwd: downloads,
    failure: `${name} could not be downloaded`,
    exitCode: 69,
  })
  const [archive] = readdirSync(downloads)
  run(['dpkg-deb', '--extract', join(downloads, archive ?? ''), tree], { failure: `${name} could not be unpacked` })
  rmSync(downloads, { recursive: true })
  const [version = ''] = readdirSync(join(tree, 'lib/modules'))
  run(['depmod', '-b', tree, version], { failure: 'indexing the modules failed' })
  writeFileSync(join(tree, 'kernel.img'), unpackImage(readFileSync(join(tree, `boot/vmlinuz-${version}`))))
  writeFileSync(join(tree, 'complete'), `${name}\n`)
}

function checkRoom(/** @type {string} */ folder) {
  const { bavail, bsize } = statfsSync(folder)
  const freeMib = Math.floor((bavail * bsize) / 2 ** 20)
  if (freeMib >= roomMib) return
  throw new Stop(
    `vm: need ${roomMib} MiB for kernel and modules in ${folder}, found ${freeMib} MiB free; make room`,
    69,
  )
}

/** The package that `linux-image-amd64` stands for. A machine whose package lists were cleaned away gets them anew. */
function kernelPackage(/** @type {KernelSource} */ source) {
  const newer = source === 'backports' ? dependencyOf('linux-image-amd64', `${release()}-backports`) : undefined
  const name = newer ?? dependencyOf('linux-image-amd64')
  if (name !== undefined) return name
  run(['apt-get', 'update', '-qq'], { failure: 'the package lists could not be fetched', exitCode: 69 })
  const updated = dependencyOf('linux-image-amd64')
  if (updated !== undefined) return updated
  throw new Stop('vm: need the package linux-image-amd64, found that apt has no source for it', 69)
}

/**
 * @param {string} name
 * @param {string} [suite]  that apt is to prefer; one that it does not know has nothing
 */
function dependencyOf(name, suite) {
  const preference = suite === undefined ? [] : ['-o', `APT::Default-Release=${suite}`]
  const { stdout } = spawnSync('apt-cache', [...preference, 'depends', name], { encoding: 'utf8' })
  return /Depends: (linux-image-\S+)/.exec(stdout ?? '')?.[1]
}

const formats = [
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]), command: ['xz', '-dc', '--single-stream'] },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), command: ['zstd', '-dc'] },
]
const elf = Buffer.from('\x7fELF', 'latin1')

/**
 * The ELF inside a bzImage, which QEMU boots through its PVH note; unpacking it here spares the guest 5 s of emulated
 * decompression. Where no unpacker is installed the bzImage boots as well.
 *
 * @param {Buffer} image
 * @returns {Buffer}
 */
function unpackImage(image) {
  for (const { magic, command } of formats) {
    const [file = '', ...args] = command
    for (let at = image.indexOf(magic); at !== -1; at = image.indexOf(magic, at + 1)) {
      // What follows the stream makes some of them exit with an error after the whole output.
      const { stdout } = spawnSync(file, args, { input: image.subarray(at), maxBuffer: 2 ** 30 })
      if (stdout?.subarray(0, elf.length).equals(elf)) return stdout
    }
  }
  return image
}
