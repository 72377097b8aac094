import type { PortStatus, Status } from '../http/status.js'
import { formatBits, formatCount, formatDuration, formatShare } from './format.js'

export interface TableOptions {
  /** Columns of the terminal; lines are cut there. */
  readonly width: number
}

type Cells = readonly string[]

/** The live view of a running Spillway as lines of text without control characters. */
export function renderTable(status: Status, { width }: TableOptions): string[] {
  const sections = [
    [headline(status)],
    portTable(status),
    lcoreTable(status),
    ruleTable(status),
    dropTable(status),
  ].filter((lines) => lines.length > 0)
  return sections.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines])).map((line) => line.slice(0, width))
}

/** Everything that matters in one line, for logs and for output that is not a terminal. */
export function renderLine(status: Status): string {
  const rates = status.ports.map(({ name, rates }) => {
    const drops = sum(Object.values(rates.dropped))
    return `${name} rx ${formatCount(rates.rx)}/s fwd ${formatCount(rates.forwarded)}/s punt ${formatCount(rates.punted)}/s inject ${formatCount(rates.injected)}/s drop ${formatCount(drops)}/s`
  })
  const load = status.lcores.map(({ lcoreId, busy }) => `lcore ${lcoreId} ${formatShare(busy)}`)
  return [status.state, ...rates, ...load].join(' | ')
}

/** What was counted from the first worker to the last: the end of a run. */
export function renderTotals(status: Status): string[] {
  const rows = status.ports.map(({ name, totals }) => [
    name,
    ...[totals.rxPackets, totals.forwarded, totals.punted, totals.tapRxFrames, totals.injectedFrames].map(String),
    String(totals.consumed),
    String(sum(Object.values(totals.dropped))),
  ])
  const ports = columns([['port', 'rx', 'forwarded', 'punted', 'tap rx', 'injected', 'consumed', 'dropped'], ...rows])
  const reasons = status.ports.flatMap(({ name, totals }) =>
    Object.entries(totals.dropped)
      .filter(([, packets]) => packets > 0)
      .map(([reason, packets]) => [name, reason, String(packets)]),
  )
  return reasons.length > 0 ? [...ports, '', ...columns([['port', 'drop reason', 'packets'], ...reasons])] : ports
}

function headline({ state, ready, notReady, uptimeSeconds, forwardingMode, worker, version }: Status): string {
  const restarts = sum(Object.values(worker.restarts))
  return [
    `spillway ${version}`,
    ready || state !== 'running' ? state : `${state}, not ready: ${notReady.join(', ')}`,
    `mode ${forwardingMode}`,
    `up ${formatDuration(uptimeSeconds)}`,
    worker.pid === null ? 'no worker' : `worker ${worker.pid}`,
    `restarts ${restarts}`,
  ].join('  ')
}

function portTable({ ports }: Status): string[] {
  const header = [
    'port',
    'link',
    'rx/s',
    'fast path/s',
    'to kernel/s',
    'from kernel/s',
    'drops/s',
    'wire rx',
    'wire tx',
  ]
  return columns([header, ...ports.map(portRow)])
}

function portRow({ name, link, rates }: PortStatus): Cells {
  return [
    name,
    link.up ? 'up' : 'down',
    formatCount(rates.rx),
    formatCount(rates.forwarded + rates.consumed + rates.generated),
    formatCount(rates.punted),
    formatCount(rates.injected),
    formatCount(sum(Object.values(rates.dropped))),
    formatBits(rates.deviceRxBits),
    formatBits(rates.deviceTxBits),
  ]
}

function lcoreTable({ lcores, exceptionThreads }: Status): string[] {
  const rows = [
    ...lcores.map(({ lcoreId, cpuId, busy, rxPerSecond, pollsPerSecond, rxqs }) => [
      `lcore ${lcoreId}`,
      `cpu ${cpuId}`,
      formatShare(busy),
      formatCount(rxPerSecond),
      formatCount(pollsPerSecond),
      rxqs.join(' '),
    ]),
    ...exceptionThreads.map(({ thread, busy, pollsPerSecond }) => [
      `exception ${thread}`,
      '',
      formatShare(busy),
      '',
      formatCount(pollsPerSecond),
      '',
    ]),
  ]
  return rows.length > 0 ? columns([['thread', 'runs on', 'busy', 'rx/s', 'polls/s', 'queues'], ...rows]) : []
}

function ruleTable({ rules }: Status): string[] {
  const rows = rules.inForce.map(({ name, verdict, packets, packetsPerSecond }) => [
    name,
    verdict,
    formatCount(packetsPerSecond),
    formatCount(packets),
  ])
  return rows.length > 0 ? columns([['rule', 'verdict', 'packets/s', 'packets'], ...rows]) : []
}

function dropTable({ ports }: Status): string[] {
  const rows = ports.flatMap(({ name, totals, rates }) =>
    Object.entries(totals.dropped)
      .filter(([, packets]) => packets > 0)
      .map(([reason, packets]) => [name, reason, formatCount(rates.dropped[reason] ?? 0), formatCount(packets)]),
  )
  return rows.length > 0 ? columns([['port', 'drop reason', 'drops/s', 'drops'], ...rows]) : []
}

/** Aligns cells: a column of numbers to the right, of words to the left. The first row is the header. */
function columns(rows: readonly Cells[]): string[] {
  const [header = [], ...body] = rows
  const numeric = header.map((_, column) => body.every((row) => /^[\d.]*[kMGTPE]?(%|bit)?$/.test(row[column] ?? '')))
  const widths = header.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
