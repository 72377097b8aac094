import { describe, expect, test } from 'vitest'
import { computeRates } from '../../../src/stats/rates.js'
import type { Sample, Snapshot } from '../../../src/stats/series.js'
import { totalsOf } from '../../../src/stats/totals.js'

const counter = (name: string, labels: Record<string, string>, value: bigint): Sample => ({
  name,
  labels,
  kind: 'counter',
  value,
})

function snapshot(atMs: number, ...samples: Sample[]): Snapshot {
  return { atMs, live: true, samples }
}

const before = snapshot(
  1000,
  counter('rx_packets', { port: 'vf0', queue: '0', lcore: '1' }, 100n),
  counter('rx_packets', { port: 'vf0', queue: '1', lcore: '2' }, 50n),
  counter('lcore_polls', { lcore: '1' }, 10n),
  counter('lcore_busy_cycles', { lcore: '1' }, 0n),
  counter('lcore_idle_cycles', { lcore: '1' }, 0n),
)
const after = snapshot(
  3000,
  counter('rx_packets', { port: 'vf0', queue: '0', lcore: '1' }, 300n),
  counter('rx_packets', { port: 'vf0', queue: '1', lcore: '2' }, 150n),
  counter('lcore_polls', { lcore: '1' }, 1010n),
  counter('lcore_busy_cycles', { lcore: '1' }, 250n),
  counter('lcore_idle_cycles', { lcore: '1' }, 750n),
  counter('dropped_packets', { port: 'vf0', reason: 'tx_full', lcore: '1' }, 4n),
  counter('dropped_packets', { port: 'vf0', reason: 'tx_full', lcore: '2' }, 6n),
  counter('port_rx_bytes', { port: 'vf0' }, 1000n),
)

describe('rates', () => {
  test('are per second of the interval, summed over lcores and queues', () => {
    const { intervalSeconds, ports, lcores } = computeRates(before, after)
    expect(intervalSeconds).toBe(2)
    expect(ports.get('vf0')).toMatchObject({ rx: 150, dropped: { tx_full: 5 }, deviceRxBits: 4000 })
    expect(lcores.get('1')).toEqual({ busy: 0.25, polls: 500, rx: 100 })
  })

  test('are zero, not infinite, when no time has passed', () => {
    expect(computeRates(before, before).ports.get('vf0')).toMatchObject({ rx: 0 })
  })

  test('are never negative, should a counter be smaller than before', () => {
    expect(computeRates({ ...after, atMs: 0 }, before).ports.get('vf0')?.rx).toBe(0)
  })
})

describe('totals', () => {
  test('know a port that only its device has counted for', () => {
    const { ports } = totalsOf(snapshot(0, counter('port_rx_packets', { port: 'vf1' }, 7n)))
    expect(ports.get('vf1')).toMatchObject({ rxPackets: 0n, dropped: {}, device: { rxPackets: 7n } })
  })
})
