import type { PlannedPort } from './types.js'

/** EXCEPTION_RING_SIZE, EXCEPTION_RING_MIN, HANDOVER_RING_SIZE and INJECT_RING_SIZE of native/dataplane/wiring.c. */
const exceptionRingSize = 1024
const exceptionRingMin = 256
const handoverRingSize = 1024
const injectRingSize = 2048
/** Control, local, other: a ring each from every lcore to every exception thread. */
const exceptionClasses = 3
/** A mempool cache holds up to one and a half times its size before it gives back (CACHE_FLUSHTHRESH_MULTIPLIER). */
const cacheOverfill = 1.5

export interface MbufUse {
  readonly ports: readonly PlannedPort[]
  readonly lcores: number
  readonly burst: number
  readonly mbufCache: number
}

/**
 * How many mbufs can be somewhere at once, so that none of these places starves another:
 *
 *     descriptors   per port: queues × rxDescriptors + (queues + 1) × txDescriptors
 *                   per port on vhost-net or vhost-user: 2 × exception.queues × queueSize
 *     rings         lcores × exception threads × 3 classes × (1024 / threads, at least 256), where there is an
 *                   exception path; the threads rounded up to a power of two
 *                   per port with fewer queues than lcores: (lcores − queues) × 1024
 *                   per exception queue: 2048
 *     caches        1.5 × mbufCache × (lcores + exception threads + 1)
 *     bursts        4 × burst × (lcores + exception threads)
 *
 * `queues` are at most the lcores; the last caller of caches is the control thread; the extra transmit queue is
 * the one that injects.
 */
export function countMbufs({ ports, lcores, burst, mbufCache }: MbufUse): { mbufs: number; terms: string } {
  const threads = Math.max(0, ...ports.map(exceptionQueues))
  const descriptors = sum(ports, (port) => {
    const queues = queuesOf(port, lcores)
    const { backend, queues: pairs, queueSize } = port.exception
    const virtio = backend === 'vhost-net' || backend === 'vhost-user' ? 2 * pairs * queueSize : 0
    return queues * port.rxDescriptors + (queues + 1) * port.txDescriptors + virtio
  })
  const rings =
    lcores * threads * exceptionClasses * ringSizeFor(threads) +
    sum(ports, (port) => (lcores - queuesOf(port, lcores)) * handoverRingSize + exceptionQueues(port) * injectRingSize)
  const caches = Math.ceil(cacheOverfill * mbufCache) * (lcores + threads + 1)
  const bursts = 4 * burst * (lcores + threads)
  return {
    mbufs: descriptors + rings + caches + bursts,
    terms: `descriptors ${descriptors}, rings ${rings}, caches ${caches}, bursts ${bursts}`,
  }
}

/** exception_ring_size() of wiring.c. */
function ringSizeFor(threads: number): number {
  return Math.max(exceptionRingMin, exceptionRingSize / 2 ** Math.ceil(Math.log2(Math.max(1, threads))))
}

function queuesOf(port: PlannedPort, lcores: number): number {
  return port.queues === 0 ? lcores : Math.min(port.queues, lcores)
}

function exceptionQueues({ exception }: PlannedPort): number {
  return exception.backend === 'none' ? 0 : exception.queues
}

function sum(ports: readonly PlannedPort[], count: (port: PlannedPort) => number): number {
  return ports.reduce((total, port) => total + count(port), 0)
}
