import type { Snapshot } from './series.js'
import { type LoopTotals, type PortTotals, totalsOf } from './totals.js'

/** Everything is per second of the interval. */
export interface PortRates {
  readonly rx: number
  readonly forwarded: number
  readonly consumed: number
  readonly generated: number
  readonly punted: number
  readonly injected: number
  readonly dropped: Readonly<Record<string, number>>
  readonly deviceRxBits: number
  readonly deviceTxBits: number
}

export interface LoopRates {
  /** Share of the cycles that had packets, 0 to 1. */
  readonly busy: number
  readonly polls: number
}

export interface LcoreRates extends LoopRates {
  readonly rx: number
}

export interface RuleRates {
  readonly packets: number
  readonly bits: number
}

export interface Rates {
  readonly intervalSeconds: number
  readonly ports: ReadonlyMap<string, PortRates>
  readonly lcores: ReadonlyMap<string, LcoreRates>
  readonly exceptionThreads: ReadonlyMap<string, LoopRates>
  readonly rules: ReadonlyMap<string, RuleRates>
}

/** What happened between two snapshots. Series that `before` does not know started at zero. */
export function computeRates(before: Snapshot, after: Snapshot): Rates {
  const intervalSeconds = (after.atMs - before.atMs) / 1000
  const was = totalsOf(before)
  const is = totalsOf(after)
  const rate = (now: bigint, then: bigint = 0n): number =>
    intervalSeconds > 0 ? Math.max(0, Number(now - then)) / intervalSeconds : 0

  const portRates = (now: PortTotals, then?: PortTotals): PortRates => ({
    rx: rate(now.rxPackets, then?.rxPackets),
    forwarded: rate(now.forwarded, then?.forwarded),
    consumed: rate(now.consumed, then?.consumed),
    generated: rate(now.generated, then?.generated),
    punted: rate(now.punted, then?.punted),
    injected: rate(now.injectedFrames, then?.injectedFrames),
    dropped: mapValues(now.dropped, (value, reason) => rate(value, then?.dropped[reason])),
    deviceRxBits: 8 * rate(now.device.rxBytes, then?.device.rxBytes),
    deviceTxBits: 8 * rate(now.device.txBytes, then?.device.txBytes),
  })
  const loopRates = (now: LoopTotals, then?: LoopTotals): LoopRates => ({
    busy: busyShare(now, then),
    polls: rate(now.polls, then?.polls),
  })

  return {
    intervalSeconds,
    ports: pairs(is.ports, was.ports, portRates),
    lcores: pairs(is.lcores, was.lcores, (now, then) => ({
      ...loopRates(now, then),
      rx: rate(now.rxPackets, then?.rxPackets),
    })),
    exceptionThreads: pairs(is.exceptionThreads, was.exceptionThreads, loopRates),
    rules: pairs(is.rules, was.rules, (now, then) => ({
      packets: rate(now.packets, then?.packets),
      bits: 8 * rate(now.bytes, then?.bytes),
    })),
  }
}

function busyShare(now: LoopTotals, then?: LoopTotals): number {
  const busy = Number(now.busyCycles - (then?.busyCycles ?? 0n))
  const idle = Number(now.idleCycles - (then?.idleCycles ?? 0n))
  return busy + idle > 0 ? busy / (busy + idle) : 0
}

function pairs<T, R>(
  now: ReadonlyMap<string, T>,
  then: ReadonlyMap<string, T>,
  make: (now: T, then?: T) => R,
): Map<string, R> {
  return new Map([...now].map(([key, value]) => [key, make(value, then.get(key))]))
}

function mapValues<T, R>(record: Readonly<Record<string, T>>, make: (value: T, key: string) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, make(value, key)]))
}
