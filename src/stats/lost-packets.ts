import { groupByName, type Sample } from './series.js'

/** What no row of counters.def counts: packets that a dead worker had taken and not yet brought anywhere. */
export const lostWithWorker = { fromWire: 'worker_died', fromKernel: 'inject_worker_died' } as const

/**
 * The packets that went down with a worker, as drops: what it had received, less what it had sent on, handed to the kernel,
 * consumed or dropped. None after an orderly stop.
 *
 * @param samples  what that worker counted, final
 */
export function packetsLostWith(samples: readonly Sample[]): Sample[] {
  const byName = groupByName(samples)
  const ports = new Set((byName.get('rx_packets') ?? []).map(({ labels }) => labels.port ?? ''))
  const sum = (port: string, names: readonly string[], wanted: (sample: Sample) => boolean = () => true): bigint =>
    names
      .flatMap((name) => byName.get(name) ?? [])
      .filter((sample) => sample.labels.port === port && wanted(sample))
      .reduce((total, { value }) => total + value, 0n)
  const ofKernel = ({ labels }: Sample): boolean => labels.reason?.startsWith('inject_') ?? false
  return [...ports].flatMap((port) => {
    const drops = (fromKernel: boolean): bigint =>
      sum(port, ['dropped_packets'], (sample) => ofKernel(sample) === fromKernel)
    const outcomes = ['forwarded_packets', 'punted_packets', 'consumed_packets']
    return [
      drop(port, lostWithWorker.fromWire, sum(port, ['rx_packets']) - sum(port, outcomes) - drops(false)),
      drop(
        port,
        lostWithWorker.fromKernel,
        sum(port, ['tap_rx_frames']) - sum(port, ['injected_frames']) - drops(true),
      ),
    ].filter(({ value }) => value > 0n)
  })
}

function drop(port: string, reason: string, value: bigint): Sample {
  return { name: 'dropped_packets', labels: { port, reason }, kind: 'counter', value }
}
