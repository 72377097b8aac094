import { restartCauses } from '../supervisor/causes.js'
import type { MetricSection, Source } from './definition.js'
import { metricSections } from './definitions.js'
import { execSections } from './exec-definitions.js'
import { ownSections } from './own-definitions.js'
import { dropReasons } from './sources.js'

const whileDown: Record<Source<unknown>['whileDown'], string> = {
  kept: 'stays',
  gone: 'absent',
  zero: '0',
  live: 'goes on',
}

/** The text of docs/metrics.md. A test fails when the file says something else. */
export function renderMetricsReference(): string {
  const sections = metricSections.map((section) => `## ${section.title}\n\n${table(section, 'without a worker')}`)
  const ownTitles = new Set(ownSections.map(({ title }) => title))
  const execOnly = execSections.filter(({ title }) => !ownTitles.has(title))
  const execTables = execOnly.map((section) => `### ${section.title}\n\n${table(section, 'without a program')}`)
  return `<!-- Made from src/metrics/definitions.ts by "npm run docs"; do not edit. -->

# Metrics

\`GET /metrics\` answers in the Prometheus text format, and in OpenMetrics when the Accept header asks for it.
The names are an API. Units are base units; counters end in \`_total\` and only ever grow as long as the supervisor
lives: they go on over worker restarts and rule changes. A scrape reads a shared file and touches neither the worker
nor an lcore.

The last column says what is there while there is no worker: *stays* (the last total or description), *absent*, *0*, or
*goes on* (it is not the worker's). Values of the device and of the tap's kernel side are refreshed every 250 ms; all
others are of the moment of the scrape.

${sections.join('\n')}
## Drop reasons

The values of \`reason\`, each exported for each port from the start.

${rows(
  ['reason', 'the packet'],
  Object.entries(dropReasons).map(([reason, words]) => [code(reason), words]),
)}
Once traffic has stopped, these hold exactly for each port:

- sum of \`spillway_queue_rx_packets_total\` = \`spillway_forwarded_packets_total\` + \`spillway_punted_packets_total\` +
  \`spillway_consumed_packets_total\` + \`spillway_dropped_packets_total\` over the reasons that do not start with \`inject_\`
- \`spillway_tap_rx_frames_total\` = \`spillway_injected_packets_total\` + \`spillway_dropped_packets_total\` over the reasons
  that start with \`inject_\`

## Causes of a restart

The values of \`cause\`, each exported from the start.

${rows(
  ['cause', 'the worker'],
  Object.entries(restartCauses).map(([cause, words]) => [code(cause), words]),
)}
## Status

\`GET /api/v1/status\` shows the same counters as JSON numbers, as exact as Prometheus' own: up to 2^53. Its rates are those
of the last whole second.

## Metrics of exec

\`spillway exec\` shows what the program says on DPDK's telemetry socket. It is asked every second, off the scrape path:
a scrape shows its last answers, and \`spillway_telemetry_up\` says whether they are of the last second. A metric of the
same name means the same as above. The sections "${[...ownTitles].join('" and "')}" are there as well.

Counters are the program's own: they begin at 0 again when it was restarted, which \`rate()\` knows to handle. Ports are
called as DPDK calls them.

${execTables.join('\n')}
`
}

function table<Input>({ metrics }: MetricSection<Input>, withoutWhat: string): string {
  return rows(
    ['metric', 'type', 'labels', 'meaning', 'from', withoutWhat],
    metrics.map(({ name, type, labels, help, source }) => [
      code(name),
      type,
      labels.map(code).join(' '),
      help,
      source.words,
      whileDown[source.whileDown],
    ]),
  )
}

function rows(header: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return [line(header), line(header.map(() => '---')), ...body.map(line)].join('')
}

function code(text: string): string {
  return `\`${text}\``
}
