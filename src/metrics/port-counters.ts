import { counter, type MetricDefinition, type Source } from './definition.js'

/** What every ethdev counts. The names and words are the same whoever tells the values: our worker, or DPDK's telemetry. */
const help = {
  rx_packets: 'Packets received, as the device counts them.',
  rx_bytes: 'Bytes received, as the device counts them.',
  tx_packets: 'Packets sent, as the device counts them.',
  tx_bytes: 'Bytes sent, as the device counts them.',
  rx_missed: 'Packets the device dropped because no lcore took them in time.',
  rx_errors: 'Erroneous packets received.',
  rx_nombuf: 'Packets not received because the mempool was empty.',
  tx_errors: 'Packets the device failed to send.',
} as const
export type PortCounter = keyof typeof help

export function portCounters<Input>(source: (name: PortCounter) => Source<Input>): MetricDefinition<Input>[] {
  const entries = Object.entries(help) as [PortCounter, string][]
  return entries.map(([name, words]) => counter(`port_${name}`, ['port'], words, source(name)))
}
