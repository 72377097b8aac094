import type { Environment } from '../environment/types.js'
import type { DecisionLog } from './decisions.js'
import { countMbufs, type MbufUse } from './mbufs.js'
import type { PlannedPort } from './types.js'

/** RTE_PKTMBUF_HEADROOM. */
const headroomBytes = 128
/** RTE_MBUF_DEFAULT_BUF_SIZE: headroom and 2048 bytes of frame. */
const defaultDataRoomBytes = 2176
/** Ethernet header, two VLAN tags, frame check sequence. */
const linkOverheadBytes = 14 + 8 + 4
/** Mbufs of a mempool: as many as can be somewhere at once, or what the operator says. */
export function planMbufs(configured: number | 'auto', use: MbufUse, log: DecisionLog): number {
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
export function planDataRoom(ports: readonly PlannedPort[], { netdevs }: Environment, log: DecisionLog): number {
  // A device that is not told its MTU has that of its kernel netdev.
  const given = netdevs.filter(({ pciAddress }) =>
    ports.some((port) => port.pciAddress === pciAddress && pciAddress !== null),
  )
  const mtuBytes = Math.max(0, ...ports.map((port) => port.mtuBytes), ...given.map((netdev) => netdev.mtuBytes ?? 0))
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
