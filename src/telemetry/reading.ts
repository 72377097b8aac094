import type { HeapInfo, LcoreUsage, LinkStatus, PoolInfo, PortInfo, PortStats } from './answers.js'

/** What a DPDK program said about itself, at one turn of the poller. */
export interface Reading {
  readonly version: string
  readonly pid: number
  readonly ports: readonly PortReading[]
  readonly heaps: readonly HeapInfo[]
  readonly pools: readonly PoolInfo[]
  readonly lcores: readonly LcoreUsage[]
}

export interface PortReading {
  readonly portId: number
  readonly info: PortInfo
  readonly stats: PortStats | null
  readonly link: LinkStatus | null
  readonly xstats: readonly (readonly [name: string, value: number])[]
  /** False when DPDK had more xstats than fit into its answer: it then leaves the rest out without a word. Null: none. */
  readonly xstatsComplete: boolean | null
}
