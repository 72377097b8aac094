import { SpillwayError } from '../errors.js'
import { Cgroups } from './cgroups.js'
import { discoverCpus, readAffinity } from './cpus.js'
import { discoverDeviceNodes } from './device-nodes.js'
import { discoverDevicePlugin } from './device-plugin.js'
import { HostFiles } from './host-files.js'
import { discoverHugepages } from './hugepages.js'
import { discoverHugetlbMounts } from './hugetlb-mounts.js'
import { discoverKernel } from './kernel.js'
import { discoverListening } from './listening.js'
import { discoverMemoryLimit } from './memory-limit.js'
import { discoverNetdevs } from './netdevs.js'
import { discoverNumaNodes } from './numa-nodes.js'
import { discoverPciDevices } from './pci.js'
import { defaultPodInfoFolder, discoverPod } from './pod.js'
import { discoverProcess } from './process.js'
import { discoverRuntimeDirectory } from './runtime-directory.js'
import type { Environment, PluginResource, PodEnvironment } from './types.js'
import { readEnvironmentVariables } from './variables.js'

export interface DiscoverOptions {
  /** Where the downward API is mounted, below the root. */
  readonly podInfoFolder?: string
}

/**
 * Finds out what this pod or machine gives. Reads files only; opens /dev/vhost-net and /dev/net/tun for a moment.
 *
 * @param root  `/`, or a folder with the files of another host (test/fixtures/hosts/README.md says how it looks).
 * @throws SpillwayError `ERR_USAGE` when there is no host below the root.
 */
export function discoverEnvironment(root = '/', options: DiscoverOptions = {}): Environment {
  const files = new HostFiles(root)
  const affinity = readAffinity(files)
  if (affinity.length === 0) throw noHost(root)
  const env = readEnvironmentVariables(root)
  const cgroups = new Cgroups(files)
  const pod = discoverPod(files, env, (options.podInfoFolder ?? defaultPodInfoFolder).replace(/^\/+|\/+$/g, ''))
  const { cpus, launched } = discoverCpus(files, cgroups, env, pod.runtimeAnnotations)
  const process = discoverProcess(files, launched)
  const devicePlugin = discoverDevicePlugin(env)
  return {
    cpus,
    numaNodes: discoverNumaNodes(files, cpus.online),
    hugepages: discoverHugepages(files, cgroups),
    hugetlbMounts: discoverHugetlbMounts(files, process),
    memoryLimitBytes: discoverMemoryLimit(files, cgroups),
    process,
    kernel: discoverKernel(files, env),
    devices: discoverDeviceNodes(files, process),
    netdevs: discoverNetdevs(files, pod.status ?? []),
    pciDevices: discoverPciDevices(files, listPromised(devicePlugin, pod)),
    devicePlugin,
    pod,
    runtimeDirectory: discoverRuntimeDirectory(files, env, process),
    listening: discoverListening(files),
  }
}

function listPromised(resources: readonly PluginResource[], { status }: PodEnvironment): Set<string> {
  const attached = (status ?? []).flatMap(({ device }) => device?.pciAddress ?? [])
  return new Set([...resources.flatMap(({ addresses }) => addresses), ...attached])
}

function noHost(root: string): SpillwayError {
  return new SpillwayError(
    'ERR_USAGE',
    `expected a host's files below ${root}, found no CPU list in proc/self/status`,
    { hint: 'mount /proc, or name a folder with proc, sys and dev by --root' },
  )
}
