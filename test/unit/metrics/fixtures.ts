import type { MetricsSource } from '../../../src/metrics/exporter.js'
import type { Sample, Snapshot } from '../../../src/stats/series.js'
import { type RestartCause, restartCauses } from '../../../src/supervisor/causes.js'
import type { SupervisorView } from '../../../src/supervisor/supervisor.js'
import { everything, fixturePlan } from '../supervisor/fixtures.js'

const counter = (name: string, labels: Record<string, string>, value: bigint): Sample => ({
  name,
  labels,
  kind: 'counter',
  value,
})
const gauge = (name: string, labels: Record<string, string>, value: bigint): Sample => ({
  name,
  labels,
  kind: 'gauge',
  value,
})
const [port, lcore, tap] = [{ port: 'vf0' }, { lcore: '1' }, { port: 'vf0', tap: 'ext0' }]

/** At least one series of every slot that native code publishes, the same ones from several threads included. */
export const counters: readonly Sample[] = [
  counter('lcore_busy_cycles', lcore, 3_000n),
  counter('lcore_idle_cycles', lcore, 1_000n),
  counter('lcore_polls', lcore, 500n),
  counter('lcore_empty_polls', lcore, 400n),
  counter('lcore_bursts', { ...lcore, size: '1' }, 60n),
  counter('lcore_bursts', { ...lcore, size: '8' }, 30n),
  counter('lcore_bursts', { ...lcore, size: '32' }, 10n),
  counter('rx_packets', { ...port, ...lcore, queue: '0' }, 600n),
  counter('forwarded_packets', { ...port, ...lcore }, 500n),
  counter('consumed_packets', { ...port, ...lcore }, 10n),
  counter('generated_packets', { ...port, ...lcore }, 0n),
  counter('dropped_packets', { ...port, ...lcore, reason: 'tx_full' }, 5n),
  counter('dropped_packets', { ...port, thread: '0', reason: 'tap_full' }, 3n),
  counter('dropped_packets', { ...port, thread: '0', reason: 'inject_no_mbuf' }, 2n),
  counter('punted_packets', { ...port, thread: '0', class: 'control' }, 2n),
  counter('punted_packets', { ...port, thread: '0', class: 'local' }, 80n),
  counter('punted_bytes', { ...port, thread: '0', class: 'local' }, 8_000n),
  counter('punted_sizes', { ...port, thread: '0', size: '64' }, 2n),
  counter('punted_sizes', { ...port, thread: '0', size: '127' }, 80n),
  counter('punt_latency', { ...port, thread: '0', class: 'local', size: '1' }, 1n),
  counter('punt_latency', { ...port, thread: '0', class: 'local', size: '64' }, 2n),
  counter('punt_latency', { ...port, thread: '1', class: 'local', size: '64' }, 1n),
  counter('punt_latency', { ...port, thread: '0', class: 'local', size: '+Inf' }, 1n),
  counter('punt_latency_ns', { ...port, thread: '0', class: 'local' }, 800_150_500n),
  counter('punted_merged_packets', { ...port, thread: '0' }, 3n),
  counter('tap_rx_bytes', { ...port, thread: '0' }, 70_000n),
  counter('tap_rx_sizes', { ...port, thread: '0', size: '1522' }, 39n),
  counter('tap_rx_sizes', { ...port, thread: '0', size: '+Inf' }, 1n),
  counter('tap_rx_frames', { ...port, thread: '0' }, 40n),
  counter('injected_frames', { ...port, thread: '0' }, 30n),
  counter('injected_frames', { ...port, ...lcore }, 8n),
  counter('injected_segments', { ...port, ...lcore }, 48n),
  counter('exception_busy_cycles', { thread: '0' }, 700n),
  counter('exception_idle_cycles', { thread: '0' }, 300n),
  counter('exception_polls', { thread: '0' }, 90n),
  counter('exception_wakeups', { thread: '0' }, 12n),
  counter('vhost_worker_cpu_ns', { ...port, queue: '0' }, 1_250_000_000n),
  counter('neighbour_connections', { port: 'vf1' }, 2n),
  counter('rule_packets', { rule: 'default', ...lcore }, 500n),
  counter('rule_bytes', { rule: 'default', ...lcore }, 50_000n),
  counter('port_rx_packets', port, 600n),
  counter('port_rx_bytes', port, 2n ** 53n + 1n),
  counter('port_resets', port, 1n),
  counter('tap_kernel_rx_packets', tap, 79n),
  counter('tap_kernel_rx_bytes', tap, 7_900n),
  counter('tap_kernel_rx_dropped', tap, 0n),
  counter('tap_kernel_tx_packets', tap, 41n),
  counter('tap_kernel_tx_bytes', tap, 4_100n),
  counter('tap_kernel_tx_dropped', tap, 1n),
]

export const gauges: readonly Sample[] = [
  gauge('port_multicast_groups', port, 4n),
  gauge('port_vlans', port, 1n),
  gauge('port_unicast_addresses', port, 2n),
  gauge('port_filters_refused', port, 1n),
  gauge('port_mtu_bytes', port, 1500n),
  gauge('port_link_up', port, 1n),
  gauge('port_link_speed_mbps', port, 25_000n),
  gauge('exception_queued', { thread: '0', class: 'local' }, 4n),
  gauge('neighbour_up', { port: 'vf1' }, 1n),
  gauge('tap_up', tap, 1n),
  gauge('tap_carrier', tap, 1n),
  gauge('mempool_mbufs', { numa_node: '0' }, 4096n),
  gauge('mempool_mbufs_in_use', { numa_node: '0' }, 1024n),
]

const noRestarts = Object.fromEntries(Object.keys(restartCauses).map((cause) => [cause, 0])) as Record<
  RestartCause,
  number
>

const running: SupervisorView = {
  state: 'running',
  plan: fixturePlan,
  startedAtMs: 0,
  worker: { pid: process.pid, forwardingSinceMs: 0 },
  info: {
    dpdkVersion: 'DPDK 22.11.11',
    tscHz: 2_000_000_000,
    layout: { generation: 1, slots: [] },
    ports: [
      {
        name: 'vf0',
        device: '0000:3b:02.4',
        driver: 'net_iavf',
        mac: '50:00:00:00:00:01',
        mtuBytes: 1500,
        numaNode: 0,
        rxQueues: 1,
        txQueues: 2,
        linkUp: true,
        offloads: { tso: false, rxChecksum: false },
        exception: {
          backend: 'vhost-net',
          tap: 'ext0',
          queues: 1,
          vhostWorkers: [{ queue: 0, tid: 4250, name: 'vhost-vf0-0', cpus: '0-1', placeError: null }],
        },
      },
    ],
    lcores: [{ lcoreId: 1, cpuId: 0, rxqs: ['vf0:0'] }],
    addresses: [],
  },
  addresses: [],
  removedPorts: [],
  findings: [
    {
      code: 'mac-refused',
      level: 'warning',
      subject: 'port vf0',
      needed: '1 further address',
      found: 'refused',
      cause: null,
      remedy: null,
    },
  ],
  mtus: new Map([['vf0', 1500]]),
  vitals: { eventLoopLagP99Seconds: 0.002, heapUsedBytes: 4_000_000 },
  restarts: { ...noRestarts, killed: 1 },
  lastDeath: null,
  rules: {
    generation: 3,
    refused: 1,
    lastRefusal: null,
    classifier: null,
    inForce: [everything],
    set: fixturePlan,
    origin: 'start',
  },
}

function source(view: SupervisorView, snapshot: Snapshot): MetricsSource {
  return { view, takeSnapshot: () => snapshot, verdictOf: (rule) => (rule === 'default' ? 'forward' : 'unknown') }
}

export const whileRunning = source(running, { atMs: 0, live: true, samples: [...counters, ...gauges] })

/** The worker is dead: its counters are in the base, its gauges are gone, its start info is remembered. */
export const whileDown = source(
  { ...running, state: 'waiting', worker: null, vitals: null, rules: { ...running.rules, inForce: [] } },
  { atMs: 0, live: false, samples: counters },
)

/** Nothing has ever started. */
export const beforeStart = source(
  {
    ...running,
    state: 'starting',
    worker: null,
    vitals: null,
    info: null,
    restarts: noRestarts,
    rules: {
      generation: 0,
      refused: 0,
      lastRefusal: null,
      classifier: null,
      inForce: [],
      set: fixturePlan,
      origin: 'start',
    },
  },
  { atMs: 0, live: false, samples: [] },
)
