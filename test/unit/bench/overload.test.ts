import { describe, expect, it } from 'vitest'
import type { CurveRound, NullRound } from '../../../src/bench/overload/c-program.js'
import { costFigures, curveFigures, labFigures, stampFigures } from '../../../src/bench/overload/figures.js'
import type { LabRound } from '../../../src/bench/overload/lab.js'
import { printCosts, printCurve, printLab } from '../../../src/bench/overload/report.js'

const costs: NullRound[] = [100, 120, 110].map((forward, round) => ({
  round,
  forward,
  rule_limit: 50,
  exception_ring_full: 80,
  rule: 40,
  stamp1: 1,
  stamp32: 0.4,
}))

const point = (limit: CurveRound['limit'], flood: number, forwarded: number): CurveRound => ({
  round: 0,
  limit,
  flood_pps: flood,
  fast: 1000,
  forwarded,
  flood: flood / 10,
  refused: 1000 - forwarded,
  punted: 100,
  rule_limit: 300,
  exception_limit: 20,
  exception_ring_full: 1,
  mbufs: forwarded,
  seconds: 0.1,
  busy: 0.25,
})

const labPoint = (floodPps: number, changes: Partial<LabRound> = {}): LabRound => ({
  round: 0,
  floodPps,
  flood: 4 * floodPps,
  fast: 1000,
  forwarded: 1000,
  pings: 20,
  answers: 20,
  keepalives: 80,
  slowestKeepaliveMs: 2,
  controlShed: 0,
  punted: 100,
  shed: 300,
  offered: 2000,
  received: 2000,
  mbufs: 50,
  ...changes,
})

describe('the figures of bench:overload', () => {
  it('compare what is shed with what is forwarded in the same round', () => {
    const [forward, limited] = costFigures('net_null', costs)
    expect(forward).toMatchObject({ cycles: 110, ratio: 1 })
    expect(limited).toMatchObject({ cycles: 50, ratio: 50 / 110 })
    expect(stampFigures(costs)).toEqual({
      burst1: { cycles: 1, ofShedding: 1 / 80 },
      burst32: { cycles: 0.4, ofShedding: 0.005 },
    })
  })

  it('keep the worst round of a curve beside the median, and the limits apart', () => {
    const rounds = [
      point('rule', 1000, 1000),
      point('total', 1000, 500),
      point('rule', 1000, 900),
      point('rule', 1000, 990),
    ]
    const [rule, total] = curveFigures(rounds)
    expect(rule).toMatchObject({
      limit: 'rule',
      floodPps: 1000,
      kept: 0.99,
      leastKept: 0.9,
      shedPps: 3210,
      mbufs: 1000,
    })
    expect(total).toMatchObject({ limit: 'total', kept: 0.5 })
  })

  it('of the lab count what was lost in front of the lcore as lost', () => {
    const [none, flooded] = labFigures([labPoint(0), labPoint(500, { received: 1000, answers: 10, controlShed: 1 })], 4)
    expect(none).toMatchObject({ floodPps: 0, kept: 1, shedShare: 0.75, answers: 20 })
    expect(flooded).toMatchObject({ floodPps: 500, kept: 0.5, received: 0.5, answers: 10, controlShed: 1 })
  })

  it('are printed as tables with a bar for each point', async () => {
    const text = [
      printCosts(costFigures('net_null', costs), stampFigures(costs)),
      printCurve(curveFigures([point('rule', 0, 1000), point('rule', 1e6, 950), point('total', 1e6, 500)])),
      printLab(labFigures([labPoint(0), labPoint(120_000, { received: 1500 })], 4)),
    ].join('\n')
    await expect(text).toMatchFileSnapshot('../../golden/bench/overload.txt')
  })
})
