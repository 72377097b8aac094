import { lostWithWorker } from '../stats/lost-packets.js'
import { seriesKey } from '../stats/series.js'
import type { Source as AnySource } from './definition.js'
import type { MetricInput } from './input.js'

/** A source for `run`. */
export type Source = AnySource<MetricInput>

type Labels = Readonly<Record<string, string>>

/** Why the data plane drops a packet, as counters.def has it. */
export const nativeDropReasons = {
  runt: 'shorter than an Ethernet header',
  oversize: "longer than the port's MTU allows",
  truncated: "VLAN tag, IPv4 header or IPv6 extension header cut short by the frame's end",
  rule: 'a rule said drop',
  rule_limit: 'above the limit of the rule that sends it to the kernel',
  no_kernel_path: 'for the kernel, but the port has no exception path',
  exception_ring_full: 'the exception thread did not keep up',
  exception_limit: 'above the total limit of the exception path',
  tap_down: 'the tap is down',
  tap_error: 'the kernel refused the frame',
  tap_full: "the tap's queue was full",
  neighbour_down: 'nobody is at the vhost-user socket',
  neighbour_full: 'the neighbour did not keep up',
  tx_full: "the peer port's transmit queue was full",
  tx_reset: "the peer port's device was being reset",
  handover_full: 'the ring to the lcore that owns the transmit queue was full',
  inject_malformed: "the kernel's frame and its offload request do not fit together",
  inject_oversize: "longer than the port's MTU allows",
  inject_no_mbuf: 'no mbuf for the frame',
  inject_ring_full: 'the ring to the lcore that transmits was full',
  inject_tx_full: "the port's transmit queue was full",
  inject_tx_reset: "the port's device was being reset when all ended",
} as const

/** Why a packet can be dropped; each is exported for each port from the start, so that a first drop is a step from 0. */
export const dropReasons = {
  ...nativeDropReasons,
  [lostWithWorker.fromWire]: 'the worker had received them when it died',
  [lostWithWorker.fromKernel]: 'the worker had read them from the tap when it died',
} as const

const ports = ({ view }: MetricInput): readonly string[] => view.plan.ports.map(({ name }) => name)

/** Label sets that are there from the start, at zero. */
export const eachPort = (input: MetricInput): Labels[] => ports(input).map((port) => ({ port }))
export const eachPortAndClass = (input: MetricInput): Labels[] =>
  ports(input).flatMap((port) => ['control', 'local', 'other'].map((each) => ({ port, class: each })))
export const eachDrop = (input: MetricInput): Labels[] =>
  ports(input).flatMap((port) => Object.keys(dropReasons).map((reason) => ({ port, reason })))
export const eachLcore = ({ view }: MetricInput): Labels[] =>
  view.plan.lcores.map(({ lcoreId }) => ({ lcore: String(lcoreId) }))

/**
 * A slot of the counter file, summed over the labels that the metric does not have.
 * Counters keep their totals while no worker lives, gauges have no value then.
 */
export function slot(
  name: string,
  labels: readonly string[],
  options: {
    readonly seed?: (input: MetricInput) => Labels[]
    readonly extra?: (own: Labels, input: MetricInput) => Labels
    /** The metric's unit in the slot's: 1e9 for seconds of nanoseconds. A product would not be as exact. */
    readonly divisor?: number
  } = {},
): Source {
  return {
    words: `counter file, \`${name}\``,
    whileDown: 'kept',
    read(input) {
      const sums = new Map<string, { labels: Labels; value: bigint }>()
      for (const seed of options.seed?.(input) ?? []) sums.set(seriesKey('', seed), { labels: seed, value: 0n })
      for (const sample of input.byName.get(name) ?? []) {
        const own = pick(sample.labels, labels)
        const all = options.extra ? { ...own, ...options.extra(own, input) } : own
        const key = seriesKey('', all)
        const sum = sums.get(key)
        if (sum) sum.value += sample.value
        else sums.set(key, { labels: all, value: sample.value })
      }
      const { divisor } = options
      if (divisor === undefined) return sums.values()
      return [...sums.values()].map(({ labels, value }) => ({ labels, value: Number(value) / divisor }))
    },
  }
}

/** A gauge of the worker's life, in the metric's unit. */
export function gaugeSlot(name: string, labels: readonly string[], factor = 1): Source {
  const { words, read } = slot(name, labels)
  return {
    words,
    whileDown: 'gone',
    *read(input) {
      for (const { labels, value } of read(input)) yield { labels, value: Number(value) * factor }
    },
  }
}

function pick(labels: Labels, names: readonly string[]): Labels {
  const picked: Record<string, string> = {}
  for (const name of names) picked[name] = labels[name] ?? ''
  return picked
}
