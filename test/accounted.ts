import { expect } from 'vitest'
import type { PortStatus } from '../src/http/status.js'

type Totals = PortStatus['totals']

function drops({ dropped }: Totals): { fromWire: number; fromTap: number } {
  const sum = (wanted: (reason: string) => boolean): number =>
    Object.entries(dropped).reduce((total, [reason, packets]) => (wanted(reason) ? total + packets : total), 0)
  const isInject = (reason: string): boolean => reason.startsWith('inject_')
  return { fromWire: sum((reason) => !isInject(reason)), fromTap: sum(isInject) }
}

/** The two sums of the design: every packet is somewhere. */
export function expectAccounted(totals: Totals): void {
  const { fromWire, fromTap } = drops(totals)
  expect(totals.forwarded + totals.punted + totals.consumed + fromWire, 'from the wire').toBe(totals.rxPackets)
  expect(totals.injectedFrames + fromTap, 'from the tap').toBe(totals.tapRxFrames)
}

/** rx, forwarded, punted, tap rx, injected, consumed, dropped: the table that `run` prints at its end. */
export function finalCounters(output: string): number[] {
  const row = /^vf0((?:\s+\d+){7})\s*$/m.exec(output)?.[1]
  if (row === undefined) throw new Error(`no final counters of vf0 in:\n${output}`)
  return row.trim().split(/\s+/).map(Number)
}
