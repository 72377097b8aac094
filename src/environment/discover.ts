import { parseCpuList } from '../config/cpu-list.js'
import { SpillwayError } from '../errors.js'
import { discoverCpus } from './cpus.js'
import { HostFiles } from './host-files.js'
import { discoverHugepages } from './hugepages.js'
import { discoverNetdevs } from './netdevs.js'
import { discoverDevicePlugin, discoverPciDevices } from './pci.js'
import { discoverProcess } from './process.js'
import type { Environment, NumaNode } from './types.js'
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
    numaNodes: discoverNumaNodes(files, cpus.online),
    hugetlbMounts: [],
    memoryLimitBytes: null,
    hugepages: discoverHugepages(files),
    process: discoverProcess(files),
    kernel: {
      release: files.text('proc/sys/kernel/osrelease')?.trim() ?? 'unknown',
      vhost: null,
      unsafeNoIommu: false,
      selinux: null,
      avcDenials: [],
      rootReadOnly: false,
      containerRuntime: null,
    },
    devices: {
      vhostNet: files.access('/dev/vhost-net'),
      tun: files.access('/dev/net/tun'),
      vfioContainer: { path: '/dev/vfio/vfio', owner: null, state: 'missing', error: 'ENOENT' },
      vfioGroups: [],
      infiniband: [],
    },
    netdevs: discoverNetdevs(files),
    pciDevices: discoverPciDevices(files),
    devicePlugin: discoverDevicePlugin(env),
    pod: {
      kubernetes: false,
      containerName: null,
      podnetinfo: false,
      requested: null,
      status: null,
      runtimeAnnotations: {},
      problems: [],
      hugepages: [],
    },
    runtimeDirectory: {
      path: env.RUNTIME_DIRECTORY || env.XDG_RUNTIME_DIR || '/tmp',
      from: env.RUNTIME_DIRECTORY ? 'RUNTIME_DIRECTORY' : env.XDG_RUNTIME_DIR ? 'XDG_RUNTIME_DIR' : 'default',
      writable: true,
      prefixes: [],
    },
  }
}

function discoverNumaNodes(files: HostFiles, online: readonly number[]): NumaNode[] {
  const nodes = files
    .names('sys/devices/system/node')
    .flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? [])
    .map((id) => ({
      id: Number(id),
      cpus: parseCpuList(files.text(`sys/devices/system/node/node${id}/cpulist`) ?? '') ?? [],
    }))
  return nodes.length > 0 ? nodes : [{ id: 0, cpus: online }]
}
