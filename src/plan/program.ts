import type { Config } from '../config/schema.js'
import { isForTap } from '../config/terms.js'
import type { DeviceNode, Environment } from '../environment/types.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import { buildMemoryArgs, sharesMemory } from './eal-args.js'
import type { PlannedMemory } from './memory.js'
import { planProgramMemory } from './program-memory.js'
import type { Plan, PlannedPort } from './types.js'

export interface ProgramInput {
  readonly config: Config
  readonly environment: Environment
  readonly cpus: PlannedCpus
  readonly ports: readonly PlannedPort[]
  readonly memory: PlannedMemory
  readonly vfio: Plan['vfio']
  readonly lcores: string
  readonly iovaMode: string
}

/**
 * What any other DPDK program is started with: real devices, the taps as vdevs, telemetry on, and the memory that the
 * pod was given for it.
 */
export function planProgram(input: ProgramInput, log: DecisionLog): Plan['program'] {
  const { environment, ports, lcores, iovaMode } = input
  const memory = planProgramMemory(input, log)
  const withException = ports.filter(({ exception }) => exception.backend !== 'none')
  const vdevs = withException.map((port, index) => describeException(port, index, environment))
  const devices = ports.flatMap(deviceArgs)
  const ealArgs = [
    '--lcores',
    lcores,
    ...buildMemoryArgs(memory, environment.numaNodes, sharesMemory(ports)),
    // Without a device to allow, EAL would take every one that it finds.
    ...(devices.includes('-a') ? [] : ['--no-pci']),
    ...devices,
    ...vdevs.flatMap(({ devargs }) => (devargs === null ? [] : ['--vdev', devargs])),
    `--iova-mode=${iovaMode}`,
    `--file-prefix=${filePrefix(environment)}`,
  ]
  const missing = [...ports.flatMap(missingDevice), ...vdevs.flatMap(({ missing }) => missing)]
  return {
    ealArgs,
    memory: { pageSize: memory.pageSize, mib: memory.mib },
    pci: ports.flatMap(({ pciAddress }) => pciAddress ?? []),
    lcores,
    taps: ports.flatMap(({ exception: { backend, tap } }) => (isForTap(backend) ? [tap] : [])),
    missing,
  }
}

function deviceArgs({ devargs, pciAddress }: PlannedPort): string[] {
  if (devargs === '') return []
  return pciAddress === null ? ['--vdev', devargs] : ['-a', devargs]
}

function missingDevice({ name, devargs }: PlannedPort): string[] {
  return devargs === ''
    ? [`port ${name} has no device: request one from the SR-IOV device plugin, or name one in ports`]
    : []
}

/** A stable prefix of this container: two EALs with one prefix share sockets and files. Short: it is in a socket's path. */
function filePrefix({ pod }: Environment): string {
  const name = (pod.containerName ?? '').replaceAll(/[^\w.-]/g, '').slice(0, 16)
  return name === '' ? 'spillway-exec' : `spillway-${name}`
}

interface TapArgs {
  readonly devargs: string | null
  readonly missing: readonly string[]
}

function describeException({ name, mac, exception }: PlannedPort, index: number, environment: Environment): TapArgs {
  const { process, netdevs, devices } = environment
  const { backend, tap, queues, queueSize, socket, server } = exception
  const address = mac === null ? '' : `,mac=${mac}`
  if (backend === 'vhost-user') {
    const role = server ? ',server=1' : ''
    const sizes = `queues=${queues},queue_size=${queueSize}`
    return { devargs: `virtio_user${index},path=${socket}${role},${sizes}${address}`, missing: [] }
  }
  const unknown =
    mac === null
      ? [
          `the MAC address of port ${name} is not known, so tap ${tap} would get a random one: request it by "mac" in the ` +
            'network annotation, let the network resources injector mount /etc/podnetinfo, or set ports[].exception.backend to none',
        ]
      : []
  if (backend === 'vhost-net') {
    const devargs = `virtio_user${index},path=/dev/vhost-net,queues=${queues},queue_size=${queueSize},iface=${tap}${address}`
    return { devargs, missing: unknown }
  }
  if (process.capabilities.effective.includes('CAP_NET_ADMIN')) {
    if (netdevs.find((netdev) => netdev.name === tap)?.tap?.multiQueue === false) return singleQueue(name, tap)
    return { devargs: `net_tap${index},iface=${tap}${address}`, missing: unknown }
  }
  const lacking =
    `port ${name} has no kernel path: DPDK's net_tap needs CAP_NET_ADMIN to take tap ${tap}, and it is not effective; ` +
    `${withoutCapability(devices.vhostNet)}; ports[].exception.backend: none does without`
  return { devargs: null, missing: [lacking] }
}

/** The way to the kernel that needs none, from where this pod is. */
function withoutCapability(vhostNet: DeviceNode): string {
  switch (vhostNet.state) {
    case 'missing':
      return `with ${vhostNet.path} (needVhostNet: true) no capability is needed`
    case 'refused':
      return `no capability is needed when ${vhostNet.path} can be opened, which gives ${vhostNet.error} here (spillway doctor says why)`
    case 'usable':
      return 'ports[].exception.backend: vhost-net needs no capability'
  }
}

/** net_tap asks for IFF_MULTI_QUEUE whatever it needs; refused, testpmd goes on with one port less and says little. */
function singleQueue(port: string, tap: string): TapArgs {
  const sentence =
    `port ${port} has no kernel path: DPDK's net_tap attaches only to a tap made with multi_queue, which ${tap} is not; ` +
    'set "multiQueue": true in its NetworkAttachmentDefinition; with /dev/vhost-net (needVhostNet: true) one queue is enough'
  return { devargs: null, missing: [sentence] }
}
