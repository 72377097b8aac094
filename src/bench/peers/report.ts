import type { InstanceFigures } from './instance.js'
import { median } from './statistics.js'
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
