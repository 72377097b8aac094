import { groupByName, type Labels, type Sample, type Snapshot } from './series.js'

export interface PortTotals {
  /** Packets that lcores took from the port's queues. */
  readonly rxPackets: bigint
  readonly forwarded: bigint
  readonly consumed: bigint
  readonly generated: bigint
  /** To the kernel, and by class. */
  readonly punted: bigint
  readonly puntedBytes: bigint
  readonly puntedByClass: Readonly<Record<string, bigint>>
  /** Of these, the ones that went in the frame of the packet before. */
  readonly puntedMerged: bigint
  /** Frames read from the tap, those sent to the wire, and the wire frames these became. */
  readonly tapRxFrames: bigint
  readonly injectedFrames: bigint
  readonly injectedSegments: bigint
  readonly dropped: Readonly<Record<string, bigint>>
  /** What the device says: refreshed every 250 ms. */
  readonly device: {
    readonly rxPackets: bigint
    readonly rxBytes: bigint
    readonly txPackets: bigint
    readonly txBytes: bigint
    readonly rxMissed: bigint
    readonly rxErrors: bigint
    readonly rxNombuf: bigint
    readonly txErrors: bigint
  }
}

export interface LoopTotals {
  readonly busyCycles: bigint
  readonly idleCycles: bigint
  readonly polls: bigint
}

export interface LcoreTotals extends LoopTotals {
  readonly emptyPolls: bigint
  readonly rxPackets: bigint
}

export interface RuleTotals {
  readonly packets: bigint
  readonly bytes: bigint
}

/** Of a port that no worker has counted for yet. */
export const noPortTotals: PortTotals = {
  rxPackets: 0n,
  forwarded: 0n,
  consumed: 0n,
  generated: 0n,
  punted: 0n,
  puntedBytes: 0n,
  puntedByClass: {},
  puntedMerged: 0n,
  tapRxFrames: 0n,
  injectedFrames: 0n,
  injectedSegments: 0n,
  dropped: {},
  device: {
    rxPackets: 0n,
    rxBytes: 0n,
    txPackets: 0n,
    txBytes: 0n,
    rxMissed: 0n,
    rxErrors: 0n,
    rxNombuf: 0n,
    txErrors: 0n,
  },
}

/** A snapshot summed up by what it is about: names of ports and rules, numbers of lcores and exception threads. */
export interface Totals {
  readonly ports: ReadonlyMap<string, PortTotals>
  readonly lcores: ReadonlyMap<string, LcoreTotals>
  readonly exceptionThreads: ReadonlyMap<string, LoopTotals>
  readonly rules: ReadonlyMap<string, RuleTotals>
}

/** Sums a snapshot over the labels that a total does not have. */
export function totalsOf({ samples }: Snapshot): Totals {
  const byName = groupByName(samples)
  const sum = (name: string, labels: Labels): bigint =>
    (byName.get(name) ?? []).reduce((total, sample) => (matches(sample, labels) ? total + sample.value : total), 0n)
  const sumBy = (name: string, labels: Labels, by: string): Record<string, bigint> => {
    const parts: Record<string, bigint> = {}
    for (const sample of byName.get(name) ?? []) {
      const part = sample.labels[by]
      if (part !== undefined && matches(sample, labels)) parts[part] = (parts[part] ?? 0n) + sample.value
    }
    return parts
  }
  const over = <T>(label: string, names: readonly string[], make: (value: string) => T): Map<string, T> => {
    const values = new Set(names.flatMap((name) => (byName.get(name) ?? []).map(({ labels }) => labels[label])))
    return new Map([...values].filter((value) => value !== undefined).map((value) => [value, make(value)]))
  }

  return {
    ports: over('port', ['rx_packets', 'port_rx_packets'], (port) => ({
      rxPackets: sum('rx_packets', { port }),
      forwarded: sum('forwarded_packets', { port }),
      consumed: sum('consumed_packets', { port }),
      generated: sum('generated_packets', { port }),
      punted: sum('punted_packets', { port }),
      puntedBytes: sum('punted_bytes', { port }),
      puntedByClass: sumBy('punted_packets', { port }, 'class'),
      puntedMerged: sum('punted_merged_packets', { port }),
      tapRxFrames: sum('tap_rx_frames', { port }),
      injectedFrames: sum('injected_frames', { port }),
      injectedSegments: sum('injected_segments', { port }),
      dropped: sumBy('dropped_packets', { port }, 'reason'),
      device: {
        rxPackets: sum('port_rx_packets', { port }),
        rxBytes: sum('port_rx_bytes', { port }),
        txPackets: sum('port_tx_packets', { port }),
        txBytes: sum('port_tx_bytes', { port }),
        rxMissed: sum('port_rx_missed', { port }),
        rxErrors: sum('port_rx_errors', { port }),
        rxNombuf: sum('port_rx_nombuf', { port }),
        txErrors: sum('port_tx_errors', { port }),
      },
    })),
    lcores: over('lcore', ['lcore_polls'], (lcore) => ({
      busyCycles: sum('lcore_busy_cycles', { lcore }),
      idleCycles: sum('lcore_idle_cycles', { lcore }),
      polls: sum('lcore_polls', { lcore }),
      emptyPolls: sum('lcore_empty_polls', { lcore }),
      rxPackets: sum('rx_packets', { lcore }),
    })),
    exceptionThreads: over('thread', ['exception_polls'], (thread) => ({
      busyCycles: sum('exception_busy_cycles', { thread }),
      idleCycles: sum('exception_idle_cycles', { thread }),
      polls: sum('exception_polls', { thread }),
    })),
    rules: over('rule', ['rule_packets'], (rule) => ({
      packets: sum('rule_packets', { rule }),
      bytes: sum('rule_bytes', { rule }),
    })),
  }
}

function matches(sample: Sample, labels: Labels): boolean {
  for (const key in labels) if (sample.labels[key] !== labels[key]) return false
  return true
}
