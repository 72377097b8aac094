import { SpillwayError } from '../errors.js'
import { discoverCpus } from './cpus.js'
import { HostFiles } from './host-files.js'
import { discoverHugepages } from './hugepages.js'
import { discoverNetdevs } from './netdevs.js'
import { discoverDevicePlugin, discoverPciDevices } from './pci.js'
import { discoverProcess } from './process.js'
import type { Environment } from './types.js'
import { readEnvironmentVariables } from './variables.js'

/**
 * Finds out what this pod or machine gives. Reads files only; opens /dev/vhost-net and /dev/net/tun for a moment.
 *
 * @param root  `/`, or a folder with the files of another host.
 */
export function discoverEnvironment(root = '/'): Environment {
  const files = new HostFiles(root)
  const cpus = discoverCpus(files)
  if (cpus.allowed.length === 0) {
    throw new SpillwayError(
      'ERR_USAGE',
      `expected a host's files below ${root}, found no CPU list in proc/self/status`,
      {
        hint: 'mount /proc, or name a folder with proc, sys and dev by --root',
      },
    )
  }
  const env = readEnvironmentVariables(root)
  return {
    cpus,
    numaNodes: countNumaNodes(files),
    hugepages: discoverHugepages(files),
    process: discoverProcess(files),
    kernelRelease: files.text('proc/sys/kernel/osrelease')?.trim() ?? 'unknown',
    devices: { vhostNet: files.access('/dev/vhost-net'), tun: files.access('/dev/net/tun') },
    netdevs: discoverNetdevs(files),
    pciDevices: discoverPciDevices(files),
    devicePlugin: discoverDevicePlugin(env),
    runtimeDirectory: env.RUNTIME_DIRECTORY || env.XDG_RUNTIME_DIR || '/tmp',
  }
}

function countNumaNodes(files: HostFiles): number {
  return files.names('sys/devices/system/node').filter((name) => /^node\d+$/.test(name)).length || 1
}
