import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { packetsLostWith } from '../../../src/stats/lost-packets.js'
import type { Sample } from '../../../src/stats/series.js'

const counter = (name: string, labels: Record<string, string>, value: bigint): Sample => ({
  name,
  labels,
  kind: 'counter',
  value,
})
const vf0 = { port: 'vf0' }
const received = [
  counter('rx_packets', { ...vf0, queue: '0', lcore: '1' }, 60n),
  counter('rx_packets', { ...vf0, queue: '1', lcore: '2' }, 40n),
  counter('forwarded_packets', { ...vf0, lcore: '1' }, 50n),
  counter('consumed_packets', { ...vf0, lcore: '2' }, 10n),
  counter('punted_packets', { ...vf0, thread: '0', class: 'local' }, 20n),
  counter('dropped_packets', { ...vf0, lcore: '1', reason: 'tx_full' }, 5n),
  counter('tap_rx_frames', { ...vf0, thread: '0' }, 9n),
  counter('injected_frames', { ...vf0, thread: '0' }, 6n),
  counter('dropped_packets', { ...vf0, thread: '0', reason: 'inject_no_mbuf' }, 1n),
]

describe('packets lost with a worker', () => {
  test('are what it had taken and not brought anywhere, by direction', () => {
    expect(packetsLostWith(received)).toEqual([
      counter('dropped_packets', { ...vf0, reason: 'worker_died' }, 15n),
      counter('dropped_packets', { ...vf0, reason: 'inject_worker_died' }, 2n),
    ])
  })

  test('are none where all is accounted for, as after an orderly stop', () => {
    const rest = [
      counter('punted_packets', { ...vf0, thread: '0', class: 'other' }, 15n),
      counter('injected_frames', { ...vf0, lcore: '1' }, 2n),
    ]
    expect(packetsLostWith([...received, ...rest])).toEqual([])
    expect(packetsLostWith([])).toEqual([])
  })

  test('make every sum come out, whatever was counted', () => {
    const count = fc.bigInt(0n, 1_000_000n)
    fc.assert(
      fc.property(count, count, count, (forwarded, dropped, inHand) => {
        const samples = [
          counter('rx_packets', { ...vf0, queue: '0' }, forwarded + dropped + inHand),
          counter('forwarded_packets', vf0, forwarded),
          counter('dropped_packets', { ...vf0, reason: 'rule' }, dropped),
        ]
        expect(packetsLostWith(samples).reduce((sum, { value }) => sum + value, 0n)).toBe(inHand)
      }),
    )
  })
})
