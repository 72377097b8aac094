import type { Config } from '../config/schema.js'
import type { hugepageSizes } from '../config/terms.js'
import { pageKib } from '../environment/hugepages.js'
import type { Environment, Hugepages } from '../environment/types.js'
import { SpillwayError } from '../errors.js'
import type { DecisionLog } from './decisions.js'
import { countMbufs, type MbufUse } from './mbufs.js'
import type { Plan, PlannedPort } from './types.js'

export type PlannedMemory = Plan['memory']

const bytesPerMib = 1024 * 1024

/** RTE_PKTMBUF_HEADROOM. */
const headroomBytes = 128
/** RTE_MBUF_DEFAULT_BUF_SIZE: headroom and 2048 bytes of frame. */
const defaultDataRoomBytes = 2176
/** Ethernet header, two VLAN tags, frame check sequence. */
const linkOverheadBytes = 14 + 8 + 4
/** struct rte_mbuf, the mempool's object header and its place in the mempool's ring. */
const mbufOverheadBytes = 128 + 64 + 8
/** EAL's own heap, ethdevs, rings and classifiers, with room. */
const baseMib = 24

/**
 * Sizes the mempools and the memory EAL reserves. All of it is reserved at start: growing the heap later stalls
 * the exception path, since vhost-net has to learn the new memory first.
 *
 * @throws SpillwayError `ERR_HUGEPAGES` when pages were asked for that are not free, `ERR_CONFIG` when memory.mib is too little.
 */
export function planMemory(config: Config, environment: Environment, use: MbufUse, log: DecisionLog): PlannedMemory {
  const { memory } = config
  const mbufs = planMbufs(memory.mbufs, use, log)
  const dataRoomBytes = planDataRoom(use.ports, log)
  const poolMib = Math.ceil((mbufs * (dataRoomBytes + mbufOverheadBytes)) / bytesPerMib)
  const neededMib = poolMib * environment.numaNodes.length + baseMib
  if (memory.mib !== 'auto' && memory.mib < neededMib) {
    throw new SpillwayError(
      'ERR_CONFIG',
      `memory.mib: expected at least ${neededMib} for ${mbufs} mbufs, found ${memory.mib}`,
      {
        hint: 'leave memory.mib at "auto", or lower memory.mbufs',
      },
    )
  }
  const wantedMib = memory.mib === 'auto' ? Math.ceil(neededMib * 1.25) : memory.mib
  const pageSize = planPageSize(memory.pageSize, wantedMib, environment, log)
  const mib = roundToPages(wantedMib, pageSize)
  const numaNodes = environment.numaNodes.length
  const pools = numaNodes === 1 ? `mempool ${poolMib} MiB` : `mempools ${numaNodes} × ${poolMib} MiB, one per NUMA node`
  const reason = `${pools}, the rest ${baseMib} MiB, a quarter more, in whole pages`
  log.note('memory', `${mib} MiB`, memory.mib === 'auto' ? reason : 'memory.mib says so')
  return { pageSize, mib, mbufs, mbufCache: memory.mbufCache, dataRoomBytes }
}

function planMbufs(configured: number | 'auto', use: MbufUse, log: DecisionLog): number {
  const { mbufs, terms } = countMbufs(use)
  if (configured === 'auto') {
    log.note('mbufs', String(mbufs), terms)
    return mbufs
  }
  if (configured < mbufs) log.warn('mbufs', String(configured), `memory.mbufs says so, but ${terms} can hold ${mbufs}`)
  else log.note('mbufs', String(configured), 'memory.mbufs says so')
  return configured
}

/** A frame has to fit into one mbuf: scattered receive would cost the vector paths of many PMDs. */
function planDataRoom(ports: readonly PlannedPort[], log: DecisionLog): number {
  const mtuBytes = Math.max(0, ...ports.map((port) => port.mtuBytes))
  const needed = headroomBytes + mtuBytes + linkOverheadBytes
  if (needed <= defaultDataRoomBytes) return defaultDataRoomBytes
  const dataRoomBytes = Math.ceil(needed / 64) * 64
  log.note(
    'mbuf size',
    `${dataRoomBytes} bytes`,
    `a frame of MTU ${mtuBytes} fits into one mbuf, so nothing is scattered`,
  )
  return dataRoomBytes
}

type PageSize = PlannedMemory['pageSize']

function planPageSize(
  wanted: Config['memory']['pageSize'],
  mib: number,
  { hugepages }: Environment,
  log: DecisionLog,
): PageSize {
  if (wanted === 'none') {
    log.note('page size', 'none', 'memory.pageSize says so')
    return 'none'
  }
  const enough = hugepages.filter((pages) => freeMib(pages) >= roundToPages(mib, pages.size))
  if (wanted !== 'auto') {
    if (!enough.some(({ size }) => size === wanted)) throw tooFewPages(wanted, mib, hugepages)
    log.note('page size', wanted, 'memory.pageSize says so, and enough are free')
    return wanted
  }
  // Small pages first: of a big one most would be left unused.
  const order = ['2Mi', '1Gi', '512Mi'] as const satisfies readonly (typeof hugepageSizes)[number][]
  const size = order.find((candidate) => enough.some((pages) => pages.size === candidate))
  const found = describePages(hugepages)
  if (size === undefined) {
    log.warn('page size', 'none', `${mib} MiB are needed, found ${found}; without hugepages expect more TLB misses`)
    return 'none'
  }
  log.note('page size', size, `${mib} MiB are needed, found ${found}`)
  return size
}

function roundToPages(mib: number, size: PageSize): number {
  const pageMib = size === 'none' ? 1 : pageKib(size) / 1024
  return Math.ceil(mib / pageMib) * pageMib
}

function freeMib({ available, size }: Hugepages): number {
  return (available * pageKib(size)) / 1024
}

function describePages(hugepages: readonly Hugepages[]): string {
  if (hugepages.length === 0) return 'no hugepages in this kernel'
  return hugepages.map(({ size, available, total }) => `${available} of ${total} pages of ${size} free`).join(', ')
}

function tooFewPages(size: Exclude<PageSize, 'none'>, mib: number, hugepages: readonly Hugepages[]): SpillwayError {
  const needed = roundToPages(mib, size)
  return new SpillwayError(
    'ERR_HUGEPAGES',
    `need ${needed} MiB of ${size} hugepages, found ${describePages(hugepages)}`,
    {
      hint:
        `raise hugepages-${size} in the pod's limits, ` +
        `set vm.nr_hugepages on the host, or set memory.pageSize to "auto" or "none"`,
    },
  )
}
