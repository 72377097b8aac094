import { restartCauses } from '../supervisor/causes.js'
import { type MetricDefinition, metricSections } from './definitions.js'
import { dropReasons, type Source } from './sources.js'

const whileDown: Record<Source['whileDown'], string> = {
  kept: 'stays',
  gone: 'absent',
  zero: '0',
  live: 'goes on',
}

/** The text of docs/metrics.md. A test fails when the file says something else. */
export function renderMetricsReference(): string {
  const sections = metricSections.map(({ title, metrics }) => `## ${title}\n\n${table(metrics)}`)
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
`
}

function table(metrics: readonly MetricDefinition[]): string {
  return rows(
    ['metric', 'type', 'labels', 'meaning', 'from', 'without a worker'],
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
