import { levels } from '../preflight/types.js'
import { counter, gauge, known, type MetricDefinition, type MetricSection } from './definition.js'
import type { OwnInput } from './own-input.js'

const own: MetricDefinition<OwnInput>[] = [
  gauge(
    'build_info',
    ['version', 'node_version'],
    'Versions; always 1.',
    known('the build', 'live', ({ build }) => [
      { labels: { version: build.version, node_version: build.nodeVersion }, value: 1 },
    ]),
  ),
  gauge(
    'scrape_duration_seconds',
    [],
    'Time the scrape before this one took to read and render.',
    known('the supervisor', 'live', ({ lastScrapeSeconds }) => lastScrapeSeconds),
  ),
  counter(
    'scrape_errors',
    [],
    'Scrapes that failed.',
    known('the supervisor', 'live', ({ scrapeErrors }) => scrapeErrors),
  ),
  gauge(
    'findings',
    ['level'],
    'Findings of the checks before the start, by level; /api/v1/checks has them in words.',
    known('the checks before the start', 'live', ({ findings }) =>
      levels.map((level) => ({
        labels: { level },
        value: findings.filter((finding) => finding.level === level).length,
      })),
    ),
  ),
]

const standard = (
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  read: (input: OwnInput) => number | null,
): MetricDefinition<OwnInput> => ({
  name,
  help,
  type,
  labels: [],
  source: known('the supervisor process', 'live', read),
})

const process: MetricDefinition<OwnInput>[] = [
  standard(
    'process_cpu_seconds_total',
    'counter',
    'CPU time of the supervisor.',
    ({ supervisor }) => supervisor?.cpuSeconds ?? null,
  ),
  standard(
    'process_start_time_seconds',
    'gauge',
    'When the supervisor started, since the epoch.',
    ({ supervisorStartSeconds }) => supervisorStartSeconds,
  ),
  standard(
    'process_resident_memory_bytes',
    'gauge',
    'Resident memory of the supervisor.',
    ({ supervisor }) => supervisor?.residentBytes ?? null,
  ),
  standard(
    'process_virtual_memory_bytes',
    'gauge',
    'Virtual memory of the supervisor.',
    ({ supervisor }) => supervisor?.virtualBytes ?? null,
  ),
  standard(
    'process_open_fds',
    'gauge',
    'Open descriptors of the supervisor.',
    ({ supervisor }) => supervisor?.openFds ?? null,
  ),
  standard('process_max_fds', 'gauge', 'Descriptors the supervisor may open.', ({ maxFds }) => maxFds),
  standard(
    'nodejs_heap_size_used_bytes',
    'gauge',
    'JavaScript heap in use in the supervisor.',
    ({ supervisorHeapUsedBytes }) => supervisorHeapUsedBytes,
  ),
  standard(
    'nodejs_eventloop_lag_mean_seconds',
    'gauge',
    'How late the event loop of the supervisor is: mean since the scrape before.',
    ({ supervisorLag }) => supervisorLag.meanSeconds,
  ),
  standard(
    'nodejs_eventloop_lag_p50_seconds',
    'gauge',
    'Median since the scrape before.',
    ({ supervisorLag }) => supervisorLag.p50Seconds,
  ),
  standard(
    'nodejs_eventloop_lag_p99_seconds',
    'gauge',
    '99th percentile since the scrape before.',
    ({ supervisorLag }) => supervisorLag.p99Seconds,
  ),
  standard(
    'nodejs_eventloop_lag_max_seconds',
    'gauge',
    'Longest since the scrape before.',
    ({ supervisorLag }) => supervisorLag.maxSeconds,
  ),
]

/** What every instance shows, whatever it runs. */
export const ownSections: readonly MetricSection<OwnInput>[] = [
  { title: 'Spillway itself', metrics: own },
  { title: 'Supervisor process', metrics: process },
]
