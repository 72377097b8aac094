import type { Config } from '../config/schema.js'
import type { Environment, Hugepages } from '../environment/types.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import { mainLcoreCpus } from './lcores.js'
import type { PlannedMemory } from './memory.js'
import { knownNode, nodeOfCpus } from './numa.js'
import { availableMib, pageMib, roundToPages, sumMib } from './pages.js'
import { podLimitMib } from './pod-limit.js'
import type { Plan, PlannedPort } from './types.js'

/** Where no limit says what is ours: testpmd with its default mempool, which has mbufs for 32 ports, and room. */
const amountMib = 1024
/** testpmd takes more than 400 in hugepages (22.11). A few pages that are left over somewhere serve nobody. */
const leastMib = 512
const bytesPerMib = 1024 * 1024

export interface MemoryInput {
  readonly config: Config
  readonly environment: Environment
  readonly cpus: PlannedCpus
  readonly ports: readonly PlannedPort[]
  readonly memory: PlannedMemory
  readonly vfio: Plan['vfio']
}

type ProgramMemory = Pick<PlannedMemory, 'pageSize' | 'mib' | 'nodes'>

/** Pages of one size as far as this container may have them, and who says how far. */
interface Room {
  readonly pages: Hugepages
  readonly limitedBy: 'cgroup' | 'pod' | 'nobody'
  /** The pod asked for them, and has all that it asked for. */
  readonly asked: boolean
}

/**
 * Nobody knows what the program needs: it gets all that the pod's limit gives, but for one page. Without a limit it gets a
 * stated amount, since what the machine has is others' too. Too few hugepages for a program are left alone.
 */
export function planProgramMemory(input: MemoryInput, log: DecisionLog): ProgramMemory {
  const { config, environment, memory } = input
  if (config.memory.mib !== 'auto') {
    log.note('memory of another program', `${memory.mib} MiB`, 'memory.mib says so')
    return memory
  }
  const rooms = environment.hugepages.map((pages) => findRoom(pages, environment))
  const room = chooseRoom(memory.pageSize, config, rooms)
  if (room === undefined) return withoutHugepages(input, rooms, log)
  const { pages } = room
  const used = usedNodes(input)
  const mostMib = room.limitedBy === 'nobody' ? roundToPages(amountMib, pages.size) * used.length : mibOf(pages)
  const pinnable = pinnableMib(input)
  const nodes = share(pages, used, Math.min(mostMib, pinnable))
  const mib = sumMib(nodes)
  log.note('memory of another program', `${mib} MiB of ${pages.size}`, describe(room, pinnable < mostMib))
  return { pageSize: pages.size, mib, nodes }
}

function findRoom(pages: Hugepages, environment: Environment): Room {
  const { size, cgroup, available } = pages
  const limitMib = podLimitMib(environment, size)
  const podLimit = limitMib === null ? Number.POSITIVE_INFINITY : Math.floor(limitMib / pageMib(size))
  const limit = Math.min(cgroup.limit ?? Number.POSITIVE_INFINITY, podLimit)
  const room = Math.min(available, Math.max(0, podLimit - cgroup.used))
  const by = podLimit < (cgroup.limit ?? Number.POSITIVE_INFINITY) ? 'pod' : 'cgroup'
  const limitedBy = Number.isFinite(limit) ? by : 'nobody'
  return { pages: { ...pages, available: room }, limitedBy, asked: room >= limit }
}

function mibOf({ available, size }: Hugepages): number {
  return available * pageMib(size)
}

/** The planned size, else the one of which there is most. */
function chooseRoom(planned: string, { memory }: Config, rooms: readonly Room[]): Room | undefined {
  if (memory.pageSize === 'none') return undefined
  const wanted = memory.pageSize === 'auto' ? planned : memory.pageSize
  const usable = rooms
    .filter(({ pages }) => pages.available > 0)
    .filter(({ pages, asked }) => asked || mibOf(pages) >= leastMib || pages.size === memory.pageSize)
    .sort((a, b) => mibOf(b.pages) - mibOf(a.pages))
  return usable.find(({ pages }) => pages.size === wanted) ?? usable[0]
}

function describe({ limitedBy }: Room, pinned: boolean): string {
  if (pinned) return 'all that memlock lets the devices pin, since nobody knows what it needs; memory.mib sets less'
  if (limitedBy === 'nobody')
    return "no limit says what is this program's: what testpmd's default mempool needs, with room; memory.mib sets another size"
  const limit = limitedBy === 'cgroup' ? 'the cgroup' : "the pod's limit in /etc/podnetinfo"
  return `all that ${limit} allows but for one page, since nobody knows what it needs; memory.mib sets less`
}

/** Left to what another program may pin besides its heap, such as memory of its own that it registers. */
const pinnedRoomMib = 16

/** What is pinned beyond the memlock limit, the devices do not reach. Where that is short already, less would not mend it. */
function pinnableMib({ vfio, environment }: MemoryInput): number {
  const { memlockBytes } = environment.process
  if (vfio.pinning !== 'memlock' || memlockBytes === null) return Number.POSITIVE_INFINITY
  return Math.floor(memlockBytes / bytesPerMib) - pinnedRoomMib
}

function withoutHugepages(
  { config, environment: { memoryLimitBytes } }: MemoryInput,
  rooms: readonly Room[],
  log: DecisionLog,
): ProgramMemory {
  const half = memoryLimitBytes === null ? amountMib : Math.floor(memoryLimitBytes / bytesPerMib / 2)
  const mib = Math.max(64, Math.min(amountMib, half))
  const reason =
    half < amountMib ? 'half of what the memory cgroup allows' : "what testpmd's default mempool needs, with room"
  const why = lackOf(config, rooms)
  log.note('memory of another program', `${mib} MiB`, `${why}: ${reason}; memory.mib sets another size`)
  return { pageSize: 'none', mib, nodes: [{ numaNode: 0, mib, limitMib: mib }] }
}

function lackOf({ memory }: Config, rooms: readonly Room[]): string {
  if (memory.pageSize === 'none') return 'memory.pageSize says no hugepages'
  const few = rooms.filter(({ pages }) => pages.available > 0)
  if (few.length === 0) return 'there are no hugepages'
  const found = few.map(({ pages }) => `${mibOf(pages)} MiB of ${pages.size}`).join(', ')
  return `${found} are too few (${leastMib} MiB, unless memory.pageSize or the pod's limit asks for them)`
}

/** Nodes of devices, polling CPUs and the main lcore: memory elsewhere would only be far away. */
function usedNodes({ ports, cpus, environment: { numaNodes } }: MemoryInput): number[] {
  const devices = ports.flatMap(({ numaNode }) => (numaNode === null ? [] : knownNode(numaNode, numaNodes)))
  const polling = numaNodes
    .filter((node) => cpus.polling.some((cpuId) => node.cpus.includes(cpuId)))
    .map(({ id }) => id)
  return [...new Set([...devices, ...polling, nodeOfCpus(mainLcoreCpus(cpus), numaNodes)])].sort((a, b) => a - b)
}

/** Shares the room among the nodes; what one cannot give the next one may take. */
function share(pages: Hugepages, used: readonly number[], mostMib: number): ProgramMemory['nodes'] {
  const page = pageMib(pages.size)
  const others = pages.nodes.map(({ numaNode }) => numaNode).filter((id) => !used.includes(id))
  const there = used.filter((id) => availableMib(pages, id) > 0)
  const order = there.length > 0 ? there : others.filter((id) => availableMib(pages, id) > 0)
  let room = Math.max(1, Math.min(pages.available - 1, Math.floor(mostMib / page))) * page
  const fewestFirst = [...order].sort((a, b) => availableMib(pages, a) - availableMib(pages, b))
  const nodes = fewestFirst.map((numaNode, index) => {
    const part = roundToPages(Math.floor(room / (fewestFirst.length - index) / page) * page, pages.size)
    const mib = Math.min(part, availableMib(pages, numaNode))
    room -= mib
    return { numaNode, mib, limitMib: mib }
  })
  return nodes.filter(({ mib }) => mib > 0).sort((a, b) => a.numaNode - b.numaNode)
}
