import { openHttpSocket } from '../../lab/http-socket.js'
import { startInstance } from '../../lab/instance.js'
import { formatSettings, housekeepingCpus, labSettings, readAllowedCpus } from '../../lab/lab-config.js'
import { type Namespace, openNamespaces } from '../../lab/namespaces.js'
import { checkMachine, widenPath } from '../../lab/prechecks.js'
import { makeRunFolder } from '../../lab/run-folder.js'
import type { Teardown } from '../../lab/teardown.js'
import { buildTopology, labNetwork } from '../../lab/topology.js'
import { offloadsOf, type Site, type Variant } from './site.js'

/** The lab: a veth cable for the wire, af_packet for the VF. TCP's ends share the CPUs that do not poll. */
export async function openLabSite(teardown: Teardown): Promise<Site> {
  process.env.PATH = widenPath(process.env.PATH ?? '')
  const folder = await makeRunFolder()
  teardown.defer(() => folder.remove())
  const namespaces = await openNamespaces(await checkMachine())
  teardown.defer(() => namespaces.close())
  await buildTopology(namespaces)
  const { pod, peer } = namespaces
  await receiveLikeANic(peer)
  const cpus = readAllowedCpus()
  const onCpus = ['taskset', '-c', housekeepingCpus(cpus).join(',')]
  const end = (namespace: Namespace, address: string) => ({
    address,
    enter: (argv: readonly string[]) => namespace.enter([...onCpus, ...argv]),
  })
  return {
    name: 'lab',
    backends: ['tap'],
    variants: ['whole', 'packets'],
    pod: end(pod, labNetwork.tapV4),
    peer: end(peer, labNetwork.peerV4),
    seconds: 2,
    start: async (_backend, variant) => {
      const configFile = await folder.write(`${variant}.yaml`, formatSettings(settings(cpus, variant)))
      const http = await openHttpSocket({ host: '127.0.0.1', port: 0 })
      const instance = startInstance({ pod, configFile, folder: folder.path, http })
      try {
        await instance.ready()
      } catch (error) {
        await instance.stop()
        throw error
      }
      return instance
    },
  }
}

/** The peer's kernel joins what it receives, as behind any NIC: else its TCP would be what is measured. */
async function receiveLikeANic(peer: Namespace): Promise<void> {
  await peer.run(['ethtool', '-K', labNetwork.peer, 'gro', 'on'])
}

/** Without the limit to the kernel: it is about packets a second, which is what the variants differ in. */
function settings(cpus: readonly number[], variant: Variant): ReturnType<typeof labSettings> {
  const lab = labSettings(cpus)
  const ports = lab.ports as readonly Readonly<Record<string, unknown>>[]
  const offloads = offloadsOf[variant]
  return { ...lab, ports: ports.map((port) => ({ ...port, offloads })), exceptionPath: { limit: null } }
}
