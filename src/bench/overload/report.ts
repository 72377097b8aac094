import type { CostFigure, CurveFigure, LabFigure, stampFigures } from './figures.js'

/** The figures for people: tables, and beside each point of a curve a bar. */

export function printCosts(figures: readonly CostFigure[], stamp: ReturnType<typeof stampFigures>): string {
  const rows = figures.map(({ device, what, cycles, ratio }) => [device, what, cycles.toFixed(1), ratio.toFixed(2)])
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  return [
    'What a packet costs the lcore, in cycles, and against one that is forwarded',
    ...table([['device', 'the packet is', 'cycles', 'ratio'], ...rows]),
    `Timing one in 61: ${stamp.burst32.cycles.toFixed(2)} cycles a packet in bursts of 32 (${percent(stamp.burst32.ofShedding)} of ` +
      `shedding it), ${stamp.burst1.cycles.toFixed(2)} in bursts of 1`,
    '',
  ].join('\n')
}

export function printCurve(figures: readonly CurveFigure[]): string {
  const titles = { rule: "bounded by its rule's limit of 20,000/s", total: 'bounded by the total limit of 200,000/s' }
  const rows = figures.map((figure) => [
    thousands(figure.floodPps),
    figure.kept.toFixed(4),
    figure.leastKept.toFixed(4),
    bar(figure.kept),
    thousands(figure.puntedPps),
    thousands(figure.shedPps),
    `${(100 * figure.busy).toFixed(0)} %`,
    String(figure.mbufs),
  ])
  const head = ['flood/s', 'kept', 'least', 'fast path kept', 'punted/s', 'shed/s', 'lcore busy', 'mbufs']
  return (['rule', 'total'] as const)
    .flatMap((limit) => [
      `The fast path (1,000,000/s) beside a flood to the kernel ${titles[limit]}, in the lcore's own time`,
      ...table([head, ...rows.filter((_, index) => figures[index]?.limit === limit)]),
      '',
    ])
    .join('\n')
}

export function printLab(figures: readonly LabFigure[]): string {
  const rows = figures.map((figure) => [
    thousands(figure.floodPps),
    `${(100 * figure.shedShare).toFixed(0)} %`,
    figure.kept.toFixed(4),
    bar(figure.kept),
    `${figure.answers} of ${figure.pings}`,
    String(figure.keepalives),
    figure.slowestKeepaliveMs.toFixed(1),
    String(figure.controlShed),
    figure.received.toFixed(4),
    String(figure.mbufs),
  ])
  const head = [
    'flood/s',
    'shed',
    'kept',
    'fast path kept',
    'pings answered',
    'keepalives',
    'slowest ms',
    'control shed',
    'reached lcore',
    'mbufs',
  ]
  return [
    'The lab (veth, af_packet, tap, two kernels): fast path 5,000/s, total limit 20,000/s',
    ...table([head, ...rows]),
    '',
  ].join('\n')
}

function bar(share: number): string {
  return '█'.repeat(Math.round(20 * share)).padEnd(20, '·')
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
}
