import type { Config } from '../config/schema.js'
import type { hugepageSizes } from '../config/terms.js'
import type { Environment, Hugepages } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { PlannedCpus } from './cpus.js'
import type { DecisionLog } from './decisions.js'
import { mainLcoreCpus } from './lcores.js'
import { mbufBytes } from './mbuf-bytes.js'
import { planDataRoom, planMbufs } from './mbuf-sizes.js'
import type { MbufUse } from './mbufs.js'
import { knownNode, nodeOfCpus } from './numa.js'
import {
  availableMib,
  describePages,
  hasEnough,
  type NodeMemory,
  type PageSize,
  pageMib,
  roundToPages,
  sumMib,
  tooFewPages,
} from './pages.js'
import { podPages } from './pod-limit.js'
import type { Plan, PlannedPort } from './types.js'

export type PlannedMemory = Plan['memory']

const bytesPerMib = 1024 * 1024

/** EAL's own heap, ethdevs, rings and classifiers, with room. */
const baseMib = 24

/**
 * Sizes the mempools and the memory EAL reserves, on the NUMA nodes that have a port: each has a mempool. All of it is
 * reserved at start: growing the heap later stalls the exception path, since vhost-net has to learn the new memory first.
 *
 * Refuses with `ERR_HUGEPAGES` when pages were asked for that cannot be had, `ERR_CONFIG` when memory.mib is too little.
 */
export function planMemory(
  config: Config,
  environment: Environment,
  use: MbufUse,
  cpus: PlannedCpus,
  log: DecisionLog,
): PlannedMemory {
  const { memory } = config
  const mbufs = planMbufs(memory.mbufs, use, log)
  const dataRoomBytes = planDataRoom(use.ports, environment, log)
  const need = (hugepages: boolean): PoolMemory => {
    const poolMib = Math.ceil((mbufs * mbufBytes(dataRoomBytes, hugepages)) / bytesPerMib)
    return { hugepages, poolMib, nodes: placeMemory(poolMib, use.ports, cpus, environment) }
  }
  const inHugepages = sizeNodes(need(true).nodes, memory.mib)
  const pageSize = planPageSize(memory.pageSize, inHugepages, environment, log)
  const needed = need(pageSize !== 'none')
  const nodes = reserveNodes(sizeNodes(needed.nodes, memory.mib), pageSize, environment)
  const mib = sumMib(nodes)
  if (memory.mib === 'auto') log.note('memory', `${mib} MiB`, describeNeed(needed, environment))
  else judgeConfigured(memory.mib, needed, mbufs, log)
  noteGrowth(nodes, pageSize, environment, log)
  const hugepagesMib = pageSize === 'none' ? sumMib(inHugepages) : mib
  return { pageSize, mib, hugepagesMib, nodes, mbufs, mbufCache: memory.mbufCache, dataRoomBytes }
}

/** What the mempools and the rest need, in hugepages or without. */
interface PoolMemory {
  readonly hugepages: boolean
  readonly poolMib: number
  readonly nodes: NodeMemory
}

function describeNeed({ hugepages, poolMib, nodes }: PoolMemory, { numaNodes }: Environment): string {
  const pools = nodes.length === 1 ? `mempool ${poolMib} MiB` : `mempools ${nodes.length} × ${poolMib} MiB`
  const where = numaNodes.length > 1 ? ` on NUMA node ${nodes.map(({ numaNode }) => numaNode).join(' and ')}` : ''
  const pages = hugepages ? 'in whole pages' : 'without hugepages an mbuf takes whole pages of 4 KiB'
  return `${pools}${where}, the rest ${baseMib} MiB, a quarter more, ${pages}`
}

function judgeConfigured(mib: number, { hugepages, nodes }: PoolMemory, mbufs: number, log: DecisionLog): void {
  const total = sumMib(nodes)
  if (mib >= total) {
    log.note('memory', `${mib} MiB`, 'memory.mib says so')
    return
  }
  const without = hugepages ? '' : ' without hugepages'
  log.refuse(
    new SpillwayError(
      'ERR_CONFIG',
      `memory.mib: expected at least ${total} for ${mbufs} mbufs${without}, found ${mib}`,
      {
        hint: 'leave memory.mib at "auto", or lower memory.mbufs',
      },
    ),
  )
}

/**
 * As native code does it: a port's mempool is on the device's node, a vdev's where the main lcore is. The rest goes to one
 * of these nodes, by preference the main lcore's: a node of its own would cost a page more, and EAL looks on all of them.
 */
function placeMemory(
  poolMib: number,
  ports: readonly PlannedPort[],
  cpus: PlannedCpus,
  { numaNodes }: Environment,
): NodeMemory {
  const main = nodeOfCpus(mainLcoreCpus(cpus), numaNodes)
  const nodeOf = ({ pciAddress, numaNode }: PlannedPort) =>
    pciAddress === null ? main : knownNode(numaNode ?? 0, numaNodes)
  const pools = [...new Set(ports.map(nodeOf))].sort((a, b) => a - b)
  const base = pools.includes(main) ? main : pools[0]
  return pools.map((numaNode) => ({ numaNode, mib: poolMib + (numaNode === base ? baseMib : 0) }))
}

/** A quarter more than needed, or what the operator says, as far as that is enough. */
function sizeNodes(needed: NodeMemory, mib: number | 'auto'): NodeMemory {
  const total = sumMib(needed)
  if (mib === 'auto') return needed.map(({ numaNode, mib }) => ({ numaNode, mib: Math.ceil(mib * 1.25) }))
  if (mib < total) return needed
  const spare = Math.floor((mib - total) / needed.length)
  const odd = mib - total - spare * needed.length
  return needed.map(({ numaNode, mib }, index) => ({ numaNode, mib: mib + spare + (index === 0 ? odd : 0) }))
}

function planPageSize(
  wanted: Config['memory']['pageSize'],
  needed: NodeMemory,
  { hugepages }: Environment,
  log: DecisionLog,
): PageSize {
  if (wanted === 'none') {
    log.note('page size', 'none', 'memory.pageSize says so')
    return 'none'
  }
  const enough = hugepages.filter((pages) => hasEnough(pages, needed))
  if (wanted !== 'auto') {
    if (enough.some(({ size }) => size === wanted)) {
      log.note('page size', wanted, 'memory.pageSize says so, and enough are free')
    } else log.refuse(tooFewPages(wanted, needed, hugepages))
    return wanted
  }
  return choosePageSize(enough, needed, hugepages, log)
}

function choosePageSize(
  enough: readonly Hugepages[],
  needed: NodeMemory,
  hugepages: readonly Hugepages[],
  log: DecisionLog,
): PageSize {
  // Small pages first: of a big one most would be left unused.
  const order = ['2Mi', '1Gi', '512Mi'] as const satisfies readonly (typeof hugepageSizes)[number][]
  const size = order.find((candidate) => enough.some((pages) => pages.size === candidate))
  const nodes =
    needed.length === 1 ? '' : ` (${needed.map(({ numaNode, mib }) => `${mib} on node ${numaNode}`).join(', ')})`
  const reason = `${sumMib(needed)} MiB are needed${nodes}, found ${describePages(hugepages, needed)}`
  if (size === undefined) {
    log.warn('page size', 'none', `${reason}; without hugepages expect more TLB misses`)
    return 'none'
  }
  log.note('page size', size, reason)
  return size
}

/** Whole pages on each node, and how far the heap may grow: never to the last page that the cgroup allows. */
function reserveNodes(wanted: NodeMemory, pageSize: PageSize, environment: Environment): PlannedMemory['nodes'] {
  const pages = environment.hugepages.find(({ size }) => size === pageSize)
  if (pages === undefined) {
    // Without hugepages EAL knows no nodes: all of it counts to the first.
    const mib = sumMib(wanted)
    return [{ numaNode: wanted[0]?.numaNode ?? 0, mib, limitMib: mib }]
  }
  const page = pageMib(pageSize)
  const most = Math.min(pages.available, podPages(environment, pages))
  const reserved = wanted.map(({ numaNode, mib }) => ({ numaNode, mib: roundToPages(mib, pageSize) }))
  const room = Math.max(0, (most - 1) * page - sumMib(reserved))
  const share = Math.floor(room / reserved.length / page) * page
  return reserved.map(({ numaNode, mib }) => {
    const left = Math.max(0, availableMib(pages, numaNode) - mib)
    return { numaNode, mib, limitMib: mib + Math.min(share, left) }
  })
}

function noteGrowth(
  nodes: PlannedMemory['nodes'],
  pageSize: PageSize,
  environment: Environment,
  log: DecisionLog,
): void {
  const pages = environment.hugepages.find(({ size }) => size === pageSize)
  if (pages === undefined) return
  const limit = nodes.reduce((sum, { limitMib }) => sum + limitMib, 0)
  const cgroup = pages.cgroup.limit === null ? 'the machine has free' : 'the cgroup allows'
  const held = podPages(environment, pages) < pages.available ? "the pod's limit in /etc/podnetinfo allows" : cgroup
  const reason = `what ${held} but for one page: DPDK does not look, and one page too many ends the process (SIGBUS)`
  log.note('memory limit', `${limit} MiB`, limit > sumMib(nodes) ? reason : 'every page that can be had is reserved')
}
