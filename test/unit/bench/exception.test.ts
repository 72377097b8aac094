import { describe, expect, test } from 'vitest'
import { type Figures, figureRows, medianOf, ratioOf, type Series } from '../../../src/bench/exception/figures.js'
import { roundTrips } from '../../../src/bench/exception/measure.js'
import { printFigures, printReaches } from '../../../src/bench/exception/report.js'
import { parseCycles } from '../../../src/bench/peers/testpmd.js'

/** Every figure: that of the first row `first`, of the second twice as much, and so on, growing by a tenth a round. */
function series(name: string, first: number, rounds: number): Series {
  const figures = (round: number): Figures =>
    Object.fromEntries(figureRows.map(({ key }, i) => [key, first * (i + 1) * (1 + round / 10)]))
  return { name, rounds: Array.from({ length: rounds }, (_, round) => figures(round)) }
}

const onlyRtt = (name: string, rounds: number): Series => ({
  name,
  rounds: Array.from({ length: rounds }, () => ({ rttMs: 2.5 })),
})

describe('the ratio to testpmd', () => {
  test('has an interval from 6 rounds on', () => {
    expect(ratioOf(series('a', 1, 5), series('b', 2, 5), 'rttMs')).toEqual({ median: 0.5, interval95: null })
    expect(ratioOf(series('a', 1, 6), series('b', 2, 6), 'rttMs')).toEqual({
      median: 0.5,
      interval95: { low: 0.5, high: 0.5 },
    })
  })

  test('is made round by round, so that a disturbed round disturbs both', () => {
    const quiet = [1, 1, 1, 1, 1, 1]
    const ours = { name: 'ours', rounds: [1, 90, 1, 80, 1, 70].map((puntPps) => ({ puntPps })) }
    const theirs = { name: 'theirs', rounds: [2, 180, 2, 160, 2, 140].map((puntPps) => ({ puntPps })) }
    expect(ratioOf(ours, theirs, 'puntPps')?.interval95).toEqual({ low: 0.5, high: 0.5 })
    expect(medianOf({ name: 'quiet', rounds: quiet.map((puntPps) => ({ puntPps })) }, 'puntPps')).toBe(1)
  })

  test('is not there for a figure that one of the two was not asked for', () => {
    expect(ratioOf(onlyRtt('a', 6), series('b', 1, 6), 'puntPps')).toBeNull()
    expect(medianOf(onlyRtt('a', 6), 'puntPps')).toBeNull()
  })
})

describe('the report', () => {
  const programs = [
    series('vhost-net', 40, 7),
    series('tap', 130, 7),
    onlyRtt('vhost-net, idle: ramp', 7),
    series('testpmd', 100, 7),
  ]

  test('is a table of medians and ratios, and says what was reached', async () => {
    const text = `${printFigures(programs)}\n${printReaches(programs)}\n`
    await expect(text).toMatchFileSnapshot('../../golden/bench/exception.txt')
  })

  test('does not claim what was not measured', () => {
    expect(printReaches([onlyRtt('vhost-net', 6), onlyRtt('testpmd', 6)])).toContain(
      'punted packet, lcore: - of testpmd, at most 0.5 wanted: missed',
    )
  })
})

describe('what the tools print', () => {
  test('testpmd names the cycles of its busy bursts and the packets that its ports received', () => {
    const said =
      '\n  CPU cycles/packet=79.96 (total cycles=2474347478 / total io packets=30946560) at 2600 MHz Clock\n\nDone.'
    expect(parseCycles(said)).toEqual({ cycles: 2_474_347_478, packets: 30_946_560 })
  })

  test('testpmd says nothing of cycles when no packet came', () => {
    expect(parseCycles('\nDone.')).toEqual({ cycles: Number.NaN, packets: Number.NaN })
  })

  test('ping names the time of each answer', () => {
    const said = `PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.
64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=1.44 ms
64 bytes from 10.0.0.1: icmp_seq=2 ttl=64 time=0.806 ms

2 packets transmitted, 2 received, 0% packet loss, time 20ms
rtt min/avg/max/mdev = 0.806/1.123/1.440/0.317 ms`
    expect(roundTrips(said)).toEqual([1.44, 0.806])
  })
})
