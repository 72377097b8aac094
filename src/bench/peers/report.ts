import type { InstanceFigures } from './instance.js'
import { median } from './statistics.js'
import type { TapComparison } from './tap.js'
import type { TapRound } from './tap-rounds.js'
import type { Comparison } from './throughput.js'

const columns = [
  'topology',
  'mode',
  'rules',
  'spillway',
  'testpmd',
  'ratio',
  'low 95 %',
  'cycles',
  'testpmd',
  'added',
] as const

function cells(row: Comparison): string[] {
  const mpps = (values: readonly number[]): string => median(values).toFixed(row.topology === 'net_null' ? 2 : 4)
  return [
    row.topology,
    row.mode,
    String(row.rules),
    mpps(row.spillwayMpps),
    mpps(row.testpmdMpps),
    row.ratioMedian.toFixed(3),
    row.ratioLow95.toFixed(3),
    row.cyclesPerPacket.toFixed(1),
    row.testpmdCyclesPerPacket.toFixed(1),
    row.cyclesAdded?.toFixed(1) ?? '',
  ]
}

/** A line per comparison: medians of Mpps, the paired ratio with the lower end of its 95 % interval, cycles per packet. */
export function printComparisons(rows: readonly Comparison[]): string {
  const table = [columns as readonly string[], ...rows.map(cells)]
  const widths = columns.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0)))
  return table.map((line) => line.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ')).join('\n')
}

const tapColumns = ['tap', 'spillway', 'net_tap', 'ratio', '95 %', 'frames', 'wanted', ''] as const

/**
 * A line per way through a tap: medians of Mpps in wire packets, the paired ratio with its 95 % interval, and the million
 * frames a second that Spillway's packets were for the kernel.
 */
export function printTapComparisons(rows: readonly TapComparison[]): string {
  const table = [tapColumns as readonly string[], ...rows.map(tapCells)]
  const widths = tapColumns.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0)))
  const pad = (cell: string, i: number): string =>
    i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)
  return table.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}

function tapCells({
  title,
  reach,
  spillway,
  netTap,
  ratioMedian,
  ratioInterval95: { low, high },
}: TapComparison): string[] {
  const of = (rounds: readonly TapRound[], key: keyof TapRound): number => median(rounds.map((round) => round[key]))
  const millions = (value: number): string => (value / 1e6).toFixed(3)
  return [
    title,
    millions(of(spillway, 'packetsPerSecond')),
    millions(of(netTap, 'packetsPerSecond')),
    ratioMedian.toFixed(2),
    `${low.toFixed(2)}-${high.toFixed(2)}`,
    millions(of(spillway, 'framesPerSecond')),
    `>= ${reach}`,
    ratioMedian >= reach ? 'reached' : 'missed',
  ]
}

export function printInstance(figures: InstanceFigures): string {
  const list = (values: readonly number[]): string => values.map((value) => value.toFixed(0)).join(' ')
  return [
    `supervisor RSS after 300 scrapes   ${figures.supervisorRssMib.toFixed(1)} MiB`,
    `worker RSS without hugepages       ${figures.workerRssMib.toFixed(1)} MiB`,
    `scrape under full load             median ${figures.scrapeMedianMs.toFixed(2)} ms, p99 ${figures.scrapeP99Ms.toFixed(2)} ms`,
    `run to ready                       median ${median(figures.readyMs).toFixed(0)} ms (${list(figures.readyMs)})`,
    `SIGKILL of the worker to forwarding  median ${median(figures.recoveryMs).toFixed(0)} ms (${list(figures.recoveryMs)})`,
  ].join('\n')
}
