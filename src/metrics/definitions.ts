import { countRunning } from '../running/with-running.js'
import { supervisorStates } from '../supervisor/state.js'
import { childProcessMetrics } from './child-process.js'
import {
  counter,
  gauge,
  indicator,
  known,
  type MetricDefinition,
  type MetricSection,
  pciAddressOf,
} from './definition.js'
import {
  burstHistograms,
  burstSizes,
  frameHistograms,
  frameSizes,
  latencyHistograms,
  latencySeconds,
} from './histograms.js'
import type { MetricInput, Value } from './input.js'
import { ownSections } from './own-definitions.js'
import { portCounters } from './port-counters.js'
import { eachDrop, eachLcore, eachPort, eachPortAndClass, gaugeSlot, type Source, slot } from './sources.js'

type Definition = MetricDefinition<MetricInput>

const perPort = (name: string): Source => slot(name, ['port'], { seed: eachPort })
const perLcore = (name: string): Source => slot(name, ['lcore'], { seed: eachLcore })
const perRule = (name: string): Source =>
  slot(name, ['rule'], { extra: ({ rule = '' }, { verdictOf }) => ({ verdict: verdictOf(rule) }) })
const perTap = (name: string): Source => slot(name, ['port', 'tap'])

const sense = { rx: 'from us to the kernel', tx: 'from the kernel to us' } as const

const port: Definition[] = [
  gauge(
    'port_info',
    ['port', 'device', 'pci_addr', 'driver', 'mac'],
    'What the port is; always 1. pci_addr is empty for virtual devices.',
    known('the worker, when it starts', 'kept', portInfo),
  ),
  gauge('port_link_up', ['port'], 'Whether the link of the port is up.', gaugeSlot('port_link_up', ['port'])),
  gauge(
    'port_link_speed_bytes',
    ['port'],
    'Speed of the link in bytes per second.',
    gaugeSlot('port_link_speed_mbps', ['port'], 125_000),
  ),
  ...portCounters((name) => perPort(`port_${name}`)),
  counter(
    'port_resets',
    ['port'],
    'Resets of the device, by its PF or somebody else, after which the port was brought back.',
    perPort('port_resets'),
  ),
  gauge(
    'port_multicast_groups',
    ['port'],
    'Multicast groups of the tap that the port was told to let in.',
    gaugeSlot('port_multicast_groups', ['port']),
  ),
  gauge(
    'port_vlans',
    ['port'],
    "VLANs of the tap's children and of ports[].vlans that the port was told to let in.",
    gaugeSlot('port_vlans', ['port']),
  ),
  gauge(
    'port_unicast_addresses',
    ['port'],
    'Further addresses of the tap, of its macvlan children and VRRP, that the port was told to let in.',
    gaugeSlot('port_unicast_addresses', ['port']),
  ),
  gauge(
    'port_filters_refused',
    ['port'],
    'VLANs and addresses that the port did not take, and 1 more when it took neither the multicast groups nor all multicast.',
    gaugeSlot('port_filters_refused', ['port']),
  ),
  gauge('port_mtu_bytes', ['port'], 'MTU of the port.', gaugeSlot('port_mtu_bytes', ['port'])),
  gauge(
    'running_findings',
    ['code', 'level'],
    'What is wrong with the ports at this moment; /api/v1/status has it in words, docs/layer2.md the codes.',
    known('the worker, while it runs', 'live', ({ view }) => countRunning(view.findings)),
  ),
  counter(
    'queue_rx_packets',
    ['port', 'queue'],
    'Packets that lcores took from a receive queue.',
    slot('rx_packets', ['port', 'queue']),
  ),
]

const fastPath: Definition[] = [
  counter('forwarded_packets', ['port'], 'Packets of the port sent on by the fast path.', perPort('forwarded_packets')),
  counter(
    'consumed_packets',
    ['port'],
    'Packets of the port that ended here by intent (rxonly, and no echo in icmpecho).',
    perPort('consumed_packets'),
  ),
  counter('generated_packets', ['port'], 'Packets made and sent by txonly.', perPort('generated_packets')),
  counter(
    'dropped_packets',
    ['port', 'reason'],
    'Packets of the port dropped, by reason; reasons that start with inject_ are for frames from the kernel.',
    slot('dropped_packets', ['port', 'reason'], { seed: eachDrop }),
  ),
  counter(
    'rule_packets',
    ['rule', 'verdict'],
    'Packets for which the rule was the first to match.',
    perRule('rule_packets'),
  ),
  counter('rule_bytes', ['rule', 'verdict'], 'Bytes for which the rule was the first to match.', perRule('rule_bytes')),
]

const exceptionPath: Definition[] = [
  counter('punted_packets', ['port'], 'Packets of the port handed to the kernel.', perPort('punted_packets')),
  counter(
    'punted_merged_packets',
    ['port'],
    'Of these, TCP segments handed over in one frame with the segment before: punted less merged is what the kernel saw.',
    perPort('punted_merged_packets'),
  ),
  counter(
    'injected_packets',
    ['port'],
    'Frames from the kernel sent by the port, as many as the kernel sent.',
    perPort('injected_frames'),
  ),
  counter(
    'injected_segments',
    ['port'],
    'Wire frames that injected frames became: more, where one had to be segmented.',
    perPort('injected_segments'),
  ),
  counter('tap_rx_frames', ['port'], 'Frames read from the tap of the port.', perPort('tap_rx_frames')),
  counter(
    'exception_punted_packets',
    ['port', 'class'],
    'Packets of the port handed to the kernel, by class.',
    slot('punted_packets', ['port', 'class'], { seed: eachPortAndClass }),
  ),
  counter(
    'exception_punted_bytes',
    ['port', 'class'],
    'Bytes of the port handed to the kernel, by class.',
    slot('punted_bytes', ['port', 'class'], { seed: eachPortAndClass }),
  ),
  counter(
    'exception_thread_punted_packets',
    ['port', 'thread'],
    'Packets handed to the kernel on the queue of this thread: thread 0 has queue 0 of every tap, and so on.',
    slot('punted_packets', ['port', 'thread']),
  ),
  counter(
    'exception_thread_tap_rx_frames',
    ['port', 'thread'],
    'Frames read from the queue of this thread.',
    slot('tap_rx_frames', ['port', 'thread']),
  ),
  {
    name: 'spillway_exception_punted_frame_bytes',
    help: 'Lengths without FCS of the packets handed to the kernel.',
    type: 'histogram',
    labels: ['port'],
    buckets: frameSizes,
    source: {
      words: 'counter file, `punted_sizes` and `punted_bytes`',
      whileDown: 'kept',
      read: frameHistograms('punted_sizes', 'punted_bytes'),
    },
  },
  {
    name: 'spillway_tap_rx_frame_bytes',
    help: 'Lengths without FCS of the frames read from the tap; one longer than the MTU is to be segmented.',
    type: 'histogram',
    labels: ['port'],
    buckets: frameSizes,
    source: {
      words: 'counter file, `tap_rx_sizes` and `tap_rx_bytes`',
      whileDown: 'kept',
      read: frameHistograms('tap_rx_sizes', 'tap_rx_bytes'),
    },
  },
  {
    name: 'spillway_punt_latency_seconds',
    help:
      'Time from when an lcore classified a packet until the kernel had taken it from us, of every 61st of a class that a ' +
      'receive queue punts. Not in it: the wait in the device, what the kernel then does (with vhost-net its worker), drops.',
    type: 'histogram',
    labels: ['port', 'class'],
    buckets: latencySeconds,
    source: {
      words: 'counter file, `punt_latency` and `punt_latency_ns`',
      whileDown: 'kept',
      read: latencyHistograms,
    },
  },
  gauge(
    'exception_queued_packets',
    ['thread', 'class'],
    'Packets that wait for the exception thread.',
    gaugeSlot('exception_queued', ['thread', 'class']),
  ),
  counter(
    'exception_busy_cycles',
    ['thread'],
    'Cycles of the exception thread in turns that had packets.',
    slot('exception_busy_cycles', ['thread']),
  ),
  counter(
    'exception_idle_cycles',
    ['thread'],
    'Cycles of the exception thread in turns that had none.',
    slot('exception_idle_cycles', ['thread']),
  ),
  gauge(
    'vhost_worker_info',
    ['port', 'queue', 'name', 'cpus'],
    "The kernel's thread that serves a queue of vhost-net, and the CPUs it may run on; always 1. There from Linux 6.4 on.",
    known('the worker, when it starts', 'kept', vhostWorkerInfo),
  ),
  counter(
    'vhost_worker_cpu_seconds',
    ['port', 'queue'],
    "CPU time of the kernel's thread that serves a queue of vhost-net. There from Linux 6.4 on.",
    slot('vhost_worker_cpu_ns', ['port', 'queue'], { divisor: 1e9 }),
  ),
  counter('exception_polls', ['thread'], 'Turns of the exception thread.', slot('exception_polls', ['thread'])),
  counter(
    'exception_wakeups',
    ['thread'],
    'Sleeps of the exception thread that a frame from the kernel, or a neighbour, ended.',
    slot('exception_wakeups', ['thread']),
  ),
  gauge(
    'neighbour_up',
    ['port'],
    'Whether a neighbour is at the vhost-user socket of the port.',
    gaugeSlot('neighbour_up', ['port']),
  ),
  counter(
    'neighbour_connections',
    ['port'],
    'Times that a neighbour has come to the vhost-user socket of the port.',
    slot('neighbour_connections', ['port']),
  ),
  gauge('tap_up', ['port', 'tap'], 'Whether the tap is up in the kernel.', gaugeSlot('tap_up', ['port', 'tap'])),
  gauge('tap_carrier', ['port', 'tap'], 'Whether the tap has carrier.', gaugeSlot('tap_carrier', ['port', 'tap'])),
  ...(['rx', 'tx'] as const).flatMap((way) => [
    counter(
      `tap_kernel_${way}_packets`,
      ['port', 'tap'],
      `Packets of the tap as the kernel counts them, ${sense[way]}.`,
      perTap(`tap_kernel_${way}_packets`),
    ),
    counter(
      `tap_kernel_${way}_bytes`,
      ['port', 'tap'],
      `Bytes of the tap as the kernel counts them, ${sense[way]}.`,
      perTap(`tap_kernel_${way}_bytes`),
    ),
    counter(
      `tap_kernel_${way}_dropped`,
      ['port', 'tap'],
      `Packets the kernel dropped at the tap, ${sense[way]}.`,
      perTap(`tap_kernel_${way}_dropped`),
    ),
  ]),
]

const lcore: Definition[] = [
  gauge(
    'lcore_info',
    ['lcore', 'cpu'],
    'Which CPU the lcore runs on; always 1.',
    known('the plan', 'live', ({ view }) =>
      view.plan.lcores.map(({ lcoreId, cpuId }) => ({
        labels: { lcore: String(lcoreId), cpu: String(cpuId) },
        value: 1,
      })),
    ),
  ),
  counter(
    'lcore_busy_cycles',
    ['lcore'],
    'Cycles of the lcore in polls that had packets.',
    perLcore('lcore_busy_cycles'),
  ),
  counter('lcore_idle_cycles', ['lcore'], 'Cycles of the lcore in polls that had none.', perLcore('lcore_idle_cycles')),
  counter(
    'lcore_polls',
    ['lcore'],
    'Turns of the lcore; the heartbeat that the watchdog looks at.',
    perLcore('lcore_polls'),
  ),
  counter('lcore_empty_polls', ['lcore'], 'Turns of the lcore that had no packet.', perLcore('lcore_empty_polls')),
  {
    name: 'spillway_lcore_burst_packets',
    help: 'Packets in the bursts that the lcore received; empty ones are not counted.',
    type: 'histogram',
    labels: ['lcore'],
    buckets: burstSizes,
    source: { words: 'counter file, `lcore_bursts` and `rx_packets`', whileDown: 'kept', read: burstHistograms },
  },
  gauge(
    'tsc_hertz',
    [],
    'Cycles per second, for the cycle counters.',
    known('the worker, when it starts', 'kept', ({ view }) => view.info?.tscHz ?? null),
  ),
  gauge('mempool_mbufs', ['numa_node'], 'Mbufs in the mempool.', gaugeSlot('mempool_mbufs', ['numa_node'])),
  gauge(
    'mempool_mbufs_in_use',
    ['numa_node'],
    'Mbufs that are not free: in queues, rings and hands, and in the caches of lcores.',
    gaugeSlot('mempool_mbufs_in_use', ['numa_node']),
  ),
]

const worker: Definition[] = [
  gauge(
    'worker_up',
    [],
    'Whether a worker is forwarding.',
    known('the supervisor', 'zero', ({ view }) => (view.state === 'running' ? 1 : 0)),
  ),
  gauge(
    'supervisor_state',
    ['state'],
    '1 for the state the supervisor is in, 0 for the others.',
    known('the supervisor', 'live', ({ view }) => indicator('state', supervisorStates, view.state)),
  ),
  counter(
    'worker_restarts',
    ['cause'],
    'Workers that ended without being asked to, by cause.',
    known('the supervisor', 'live', ({ view }) =>
      Object.entries(view.restarts).map(([cause, value]) => ({ labels: { cause }, value })),
    ),
  ),
  gauge(
    'rules_in_force',
    [],
    'Rules in the list in force.',
    known('the supervisor', 'zero', ({ view }) => view.rules.inForce.length),
  ),
  gauge(
    'rules_generation',
    [],
    'Rule lists put in force since the supervisor started.',
    known('the supervisor', 'live', ({ view }) => view.rules.generation),
  ),
  counter(
    'rules_refused',
    [],
    'Rule lists that were refused; the one before stayed in force.',
    known('the supervisor', 'live', ({ view }) => view.rules.refused),
  ),
  ...childProcessMetrics<MetricInput>({
    word: 'worker',
    cpuHelp: 'CPU time of the worker processes, lcores included, those that ended as well.',
    read: ({ worker }) => worker,
  }),
  gauge(
    'worker_event_loop_lag_p99_seconds',
    [],
    "How late the event loop of the worker's Node is, 99th percentile of about a second.",
    known('the worker, every second', 'gone', ({ view }) => view.vitals?.eventLoopLagP99Seconds ?? null),
  ),
  gauge(
    'worker_heap_used_bytes',
    [],
    "JavaScript heap in use in the worker's Node.",
    known('the worker, every second', 'gone', ({ view }) => view.vitals?.heapUsedBytes ?? null),
  ),
  gauge(
    'dpdk_info',
    ['version'],
    'Version of DPDK; always 1.',
    known('the worker, when it starts', 'kept', ({ view }) =>
      view.info ? [{ labels: { version: view.info.dpdkVersion }, value: 1 }] : [],
    ),
  ),
]

/** Sections of docs/metrics.md, in the order of a packet's way. */
export const metricSections: readonly MetricSection<MetricInput>[] = [
  { title: 'Ports', metrics: port },
  { title: 'Fast path and rules', metrics: fastPath },
  { title: 'Exception path', metrics: exceptionPath },
  { title: 'Lcores and memory', metrics: lcore },
  { title: 'Worker', metrics: worker },
  ...ownSections,
]

export const metricDefinitions: readonly Definition[] = metricSections.flatMap(({ metrics }) => metrics)

function portInfo({ view }: MetricInput): Value[] {
  return (view.info?.ports ?? []).map(({ name, device, driver, mac }) => ({
    labels: {
      port: name,
      device,
      pci_addr: pciAddressOf(device),
      driver,
      mac,
    },
    value: 1,
  }))
}

function vhostWorkerInfo({ view }: MetricInput): Value[] {
  return (view.info?.ports ?? []).flatMap(({ name: port, exception }) =>
    exception.vhostWorkers.map(({ queue, name, cpus }) => ({
      labels: { port, queue: String(queue), name, cpus },
      value: 1,
    })),
  )
}
