import { type ProgramCause, programCauses } from '../exec/causes.js'
import type { KeeperView } from '../exec/keeper.js'
import { supervisorStates } from '../supervisor/state.js'
import type { PortStats } from '../telemetry/answers.js'
import type { TelemetryView } from '../telemetry/poller.js'
import type { PortReading, Reading } from '../telemetry/reading.js'
import { childProcessMetrics } from './child-process.js'
import {
  counter,
  gauge,
  indicator,
  known,
  type MetricDefinition,
  type MetricSection,
  pciAddressOf,
  type Source,
} from './definition.js'
import type { Value } from './input.js'
import { ownSections } from './own-definitions.js'
import type { OwnInput } from './own-input.js'
import { type PortCounter, portCounters } from './port-counters.js'
import type { ProcessStats } from './process-stats.js'

/** Everything a scrape of `exec` shows, read at its start. */
export interface ExecInput extends OwnInput {
  readonly view: KeeperView
  readonly telemetry: TelemetryView
  readonly program: ProcessStats | null
}

type Definition = MetricDefinition<ExecInput>

/** What a telemetry command answered last. No line where it said nothing. */
function told(command: string, read: (reading: Reading) => readonly Value[]): Source<ExecInput> {
  return known(`telemetry, \`${command}\``, 'kept', ({ telemetry: { reading } }) =>
    reading ? unique(read(reading)) : [],
  )
}

function perPort(command: string, read: (port: PortReading) => number | null | undefined): Source<ExecInput> {
  return told(command, ({ ports }) => ports.flatMap((port) => line({ port: port.info.name }, read(port))))
}

/** What DPDK calls them in `struct rte_eth_stats`. */
const statOf: Readonly<Record<PortCounter, keyof PortStats>> = {
  rx_packets: 'ipackets',
  rx_bytes: 'ibytes',
  tx_packets: 'opackets',
  tx_bytes: 'obytes',
  rx_missed: 'imissed',
  rx_errors: 'ierrors',
  rx_nombuf: 'rx_nombuf',
  tx_errors: 'oerrors',
}

const stat = (name: keyof PortStats): Source<ExecInput> => perPort('/ethdev/stats', ({ stats }) => stats?.[name])

function line(labels: Value['labels'], value: number | null | undefined): Value[] {
  return value === null || value === undefined ? [] : [{ labels, value }]
}

/** The program chooses the names, and could choose one twice: a series that is there twice makes a scrape fail. */
function unique(values: readonly Value[]): Value[] {
  const seen = new Map(values.map((value) => [JSON.stringify(Object.entries(value.labels)), value] as const).reverse())
  return [...seen.values()].reverse()
}

const port: Definition[] = [
  gauge(
    'port_info',
    ['port', 'device', 'pci_addr', 'driver', 'mac'],
    'What the port is; always 1. pci_addr is empty for virtual devices; DPDK does not tell the driver.',
    told('/ethdev/info', ({ ports }) =>
      ports.map(({ info: { name, mac_addr } }) => ({
        labels: {
          port: name,
          device: name,
          pci_addr: pciAddressOf(name),
          driver: '',
          mac: mac_addr.toLowerCase(),
        },
        value: 1,
      })),
    ),
  ),
  gauge(
    'port_started',
    ['port'],
    'Whether the program has started the port.',
    perPort('/ethdev/info', ({ info: { dev_started } }) => dev_started),
  ),
  gauge(
    'port_mtu_bytes',
    ['port'],
    'MTU of the port.',
    perPort('/ethdev/info', ({ info: { mtu } }) => mtu),
  ),
  gauge(
    'port_link_up',
    ['port'],
    'Whether the link of the port is up.',
    perPort('/ethdev/link_status', ({ link }) => link && (link.status.toUpperCase() === 'UP' ? 1 : 0)),
  ),
  gauge(
    'port_link_speed_bytes',
    ['port'],
    'Speed of the link in bytes per second; absent while DPDK does not know it.',
    perPort('/ethdev/link_status', ({ link }) => linkSpeed(link?.speed)),
  ),
  ...portCounters((name) => stat(statOf[name])),
  {
    name: 'spillway_port_xstat',
    help: "The driver's own statistics, under its own names. Most are counters; DPDK does not say which.",
    type: 'untyped',
    labels: ['port', 'name'],
    source: told('/ethdev/xstats', ({ ports }) =>
      ports.flatMap(({ info, xstats }) =>
        xstats.map(([name, value]) => ({ labels: { port: info.name, name }, value })),
      ),
    ),
  },
  gauge(
    'port_xstats_complete',
    ['port'],
    '0 when the driver has more xstats than fit into an answer of DPDK, which leaves out the rest.',
    perPort('/ethdev/xstats', ({ xstatsComplete }) => (xstatsComplete === null ? null : Number(xstatsComplete))),
  ),
]

const memory: Definition[] = [
  gauge(
    'heap_bytes',
    ['heap'],
    "Memory of the heap of DPDK's allocator.",
    told('/eal/heap_info', ({ heaps }) =>
      heaps.map(({ name, totalBytes }) => ({ labels: { heap: name }, value: totalBytes })),
    ),
  ),
  gauge(
    'heap_used_bytes',
    ['heap'],
    'Memory of the heap that is in use; of the same answer as its size, and never more.',
    told('/eal/heap_info', ({ heaps }) =>
      heaps.map(({ name, usedBytes }) => ({ labels: { heap: name }, value: usedBytes })),
    ),
  ),
  gauge(
    'heap_greatest_free_bytes',
    ['heap'],
    'The largest piece of the heap that is free.',
    told('/eal/heap_info', ({ heaps }) =>
      heaps.flatMap(({ name, greatestFreeBytes }) => line({ heap: name }, greatestFreeBytes)),
    ),
  ),
  gauge(
    'mempool_objects',
    ['mempool'],
    'Objects (mostly mbufs) in the mempool.',
    told('/mempool/info', ({ pools }) =>
      pools.map(({ name, objects }) => ({ labels: { mempool: name }, value: objects })),
    ),
  ),
  gauge(
    'mempool_objects_in_use',
    ['mempool'],
    'Objects that are not free. DPDK tells from 23.03 on.',
    told('/mempool/info', ({ pools }) => pools.flatMap(({ name, inUse }) => line({ mempool: name }, inUse))),
  ),
]

const lcore: Definition[] = [
  counter(
    'lcore_busy_cycles',
    ['lcore'],
    'Cycles of the lcore with work. From DPDK 23.03 on, if the program counts them (testpmd: --record-core-cycles).',
    told('/eal/lcore/usage', ({ lcores }) =>
      lcores.map(({ lcoreId, busy }) => ({ labels: { lcore: String(lcoreId) }, value: busy })),
    ),
  ),
  counter(
    'lcore_idle_cycles',
    ['lcore'],
    'Cycles of the lcore without work.',
    told('/eal/lcore/usage', ({ lcores }) =>
      lcores.map(({ lcoreId, busy, total }) => ({ labels: { lcore: String(lcoreId) }, value: total - busy })),
    ),
  ),
]

const program: Definition[] = [
  gauge(
    'program_info',
    ['program'],
    'Which program it is; always 1.',
    known('the command line', 'live', ({ view }) => [{ labels: { program: view.program }, value: 1 }]),
  ),
  gauge(
    'program_up',
    [],
    'Whether the program runs.',
    known('the supervisor', 'zero', ({ view }) => (view.pid === null ? 0 : 1)),
  ),
  gauge(
    'supervisor_state',
    ['state'],
    '1 for the state the supervisor is in, 0 for the others.',
    known('the supervisor', 'live', ({ view }) => indicator('state', supervisorStates, view.state)),
  ),
  counter(
    'program_restarts',
    ['cause'],
    `Ends of the program that nobody asked for and that were no success, by cause: ${describeCauses()}.`,
    known('the supervisor', 'live', ({ view }) =>
      Object.entries(view.restarts).map(([cause, value]) => ({ labels: { cause }, value })),
    ),
  ),
  ...childProcessMetrics<ExecInput>({
    word: 'program',
    cpuHelp: 'CPU time of the program, lcores included, and of what the supervisor ran before.',
    read: ({ program }) => program,
  }),
  gauge(
    'telemetry_up',
    [],
    'Whether the program answered on its telemetry socket, at the last try.',
    known('the telemetry socket', 'zero', ({ telemetry }) => (telemetry.up ? 1 : 0)),
  ),
  counter(
    'telemetry_failures',
    [],
    'Times that a telemetry connection which had worked was lost, or that asking failed for no known reason.',
    known('the telemetry socket', 'live', ({ telemetry }) => telemetry.failures),
  ),
  gauge(
    'dpdk_info',
    ['version'],
    'Version of DPDK; always 1.',
    known("the telemetry socket's greeting", 'kept', ({ telemetry: { reading } }) =>
      reading ? [{ labels: { version: reading.version }, value: 1 }] : [],
    ),
  ),
]

/** Sections of docs/metrics.md about `exec`. */
export const execSections: readonly MetricSection<ExecInput>[] = [
  { title: 'Ports of the program', metrics: port },
  { title: 'Memory of the program', metrics: memory },
  { title: 'Lcores of the program', metrics: lcore },
  { title: 'Program', metrics: program },
  ...ownSections,
]

export const execDefinitions: readonly Definition[] = execSections.flatMap(({ metrics }) => metrics)

function describeCauses(): string {
  const entries = Object.entries(programCauses) as [ProgramCause, string][]
  return entries.map(([cause, words]) => `\`${cause}\` (${words})`).join(', ')
}

/** DPDK says 0xffffffff Mbit/s for a speed it does not know. */
function linkSpeed(mbps: number | null | undefined): number | null {
  return mbps === null || mbps === undefined || mbps >= 0xffff_ffff ? null : mbps * 125_000
}
