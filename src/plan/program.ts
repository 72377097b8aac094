import type { Config } from '../config/schema.js'
import type { DeviceNode, Environment, Hugepages } from '../environment/types.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import { buildMemoryArgs } from './eal-args.js'
import { mainLcoreCpus } from './lcores.js'
import type { PlannedMemory } from './memory.js'
import { knownNode, nodeOfCpus } from './numa.js'
import { availableMib, pageMib, roundToPages, sumMib } from './pages.js'
import type { Plan, PlannedPort } from './types.js'

/** Without hugepages: testpmd with its default mempool, which has mbufs for 32 ports, needs more than 600 (22.11). */
const noHugeMib = 1024
const bytesPerMib = 1024 * 1024

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
 * What any other DPDK program is started with: real devices, the taps as vdevs, telemetry on, and all the memory that
 * the pod gives, since nobody knows what the program needs.
 */
export function planProgram(input: ProgramInput, log: DecisionLog): Plan['program'] {
  const { environment, ports, lcores, iovaMode } = input
  const memory = planProgramMemory(input, log)
  const taps = ports.filter(({ exception }) => exception.backend !== 'none')
  const vdevs = taps.map((port, index) => describeTap(port, index, environment))
  const devices = ports.flatMap(deviceArgs)
  const ealArgs = [
    '--lcores',
    lcores,
    ...buildMemoryArgs(memory, environment.numaNodes),
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
    taps: taps.map(({ exception }) => exception.tap),
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

function describeTap({ name, mac, exception }: PlannedPort, index: number, environment: Environment): TapArgs {
  const { process, netdevs, devices } = environment
  const { backend, tap, queues, queueSize } = exception
  const address = mac === null ? '' : `,mac=${mac}`
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

type ProgramMemory = Pick<PlannedMemory, 'pageSize' | 'mib' | 'nodes'>

function planProgramMemory(input: ProgramInput, log: DecisionLog): ProgramMemory {
  const { config, environment, memory } = input
  if (config.memory.mib !== 'auto') {
    log.note('memory of another program', `${memory.mib} MiB`, 'memory.mib says so')
    return memory
  }
  const pages = choosePages(memory.pageSize, config, environment)
  if (pages === undefined) return withoutHugepages(environment, log)
  const pinnable = pinnableMib(input)
  const nodes = takeAll(pages, usedNodes(input), pinnable)
  const mib = sumMib(nodes)
  const held = pages.cgroup.limit === null ? 'the machine has free' : 'the cgroup allows'
  const all =
    pinnable < pages.available * pageMib(pages.size) ? 'memlock lets the devices pin' : `${held} but for one page`
  log.note(
    'memory of another program',
    `${mib} MiB of ${pages.size}`,
    `all that ${all}, since nobody knows what it needs; memory.mib sets less`,
  )
  return { pageSize: pages.size, mib, nodes }
}

/** What is pinned beyond the memlock limit, the devices do not reach. Where that is short already, less would not mend it. */
function pinnableMib({ vfio, memory, environment }: ProgramInput): number {
  const { memlockBytes } = environment.process
  if (vfio.pinning !== 'memlock' || memlockBytes === null) return Number.POSITIVE_INFINITY
  return Math.floor(memlockBytes / bytesPerMib) - (vfio.lockMib - memory.mib)
}

/** The planned size, else the one of which there is most. */
function choosePages(planned: string, { memory }: Config, { hugepages }: Environment): Hugepages | undefined {
  if (memory.pageSize === 'none') return undefined
  const mibOf = (pages: Hugepages) => pages.available * pageMib(pages.size)
  const usable = hugepages.filter(({ available }) => available > 0).sort((a, b) => mibOf(b) - mibOf(a))
  const wanted = memory.pageSize === 'auto' ? planned : memory.pageSize
  return usable.find(({ size }) => size === wanted) ?? usable[0]
}

function withoutHugepages({ memoryLimitBytes }: Environment, log: DecisionLog): ProgramMemory {
  const half = memoryLimitBytes === null ? noHugeMib : Math.floor(memoryLimitBytes / bytesPerMib / 2)
  const mib = Math.max(64, Math.min(noHugeMib, half))
  const reason =
    half < noHugeMib ? 'half of what the memory cgroup allows' : "what testpmd's default mempool needs, with room"
  log.note('memory of another program', `${mib} MiB`, `there are no hugepages: ${reason}; memory.mib sets another size`)
  return { pageSize: 'none', mib, nodes: [{ numaNode: 0, mib, limitMib: mib }] }
}

/** Nodes of devices, polling CPUs and the main lcore: memory elsewhere would only be far away. */
function usedNodes({ ports, cpus, environment: { numaNodes } }: ProgramInput): number[] {
  const devices = ports.flatMap(({ numaNode }) => (numaNode === null ? [] : knownNode(numaNode, numaNodes)))
  const polling = numaNodes
    .filter((node) => cpus.polling.some((cpuId) => node.cpus.includes(cpuId)))
    .map(({ id }) => id)
  return [...new Set([...devices, ...polling, nodeOfCpus(mainLcoreCpus(cpus), numaNodes)])].sort((a, b) => a - b)
}

/** Shares the room of the cgroup among the nodes; what one cannot give the next one may take. */
function takeAll(pages: Hugepages, used: readonly number[], mostMib: number): ProgramMemory['nodes'] {
  const page = pageMib(pages.size)
  const others = pages.nodes.map(({ numaNode }) => numaNode).filter((id) => !used.includes(id))
  const there = used.filter((id) => availableMib(pages, id) > 0)
  const order = there.length > 0 ? there : others.filter((id) => availableMib(pages, id) > 0)
  let room = Math.max(1, Math.min(pages.available - 1, Math.floor(mostMib / page))) * page
  const fewestFirst = [...order].sort((a, b) => availableMib(pages, a) - availableMib(pages, b))
  const nodes = fewestFirst.map((numaNode, index) => {
    const share = roundToPages(Math.floor(room / (fewestFirst.length - index) / page) * page, pages.size)
    const mib = Math.min(share, availableMib(pages, numaNode))
    room -= mib
    return { numaNode, mib, limitMib: mib }
  })
  return nodes.filter(({ mib }) => mib > 0).sort((a, b) => a.numaNode - b.numaNode)
}
