import { median } from '../peers/statistics.js'
import type { CostRound, CurveRound, NullRound } from './c-program.js'
import type { LabRound } from './lab.js'

/** What `npm run bench:overload` measures, each the median of its rounds. */

export interface CostFigure {
  readonly device: string
  readonly what: string
  readonly cycles: number
  /** Of a packet that is forwarded in the same round. */
  readonly ratio: number
}

const costs = [
  ['forward', 'forwarded'],
  ['rule_limit', "shed by its rule's limit"],
  ['exception_ring_full', 'shed: the exception thread is behind'],
  ['rule', 'dropped by a rule'],
] as const

export function costFigures(device: string, rounds: readonly CostRound[]): CostFigure[] {
  return costs.map(([name, what]) => ({
    device,
    what,
    cycles: median(rounds.map((round) => round[name])),
    ratio: median(rounds.map((round) => round[name] / round.forward)),
  }))
}

/** Cycles that looking for the next packet to time costs each punted one, and its share of shedding it. */
export function stampFigures(rounds: readonly NullRound[]) {
  const part = (stamp: 'stamp1' | 'stamp32') => ({
    cycles: median(rounds.map((round) => round[stamp])),
    ofShedding: median(rounds.map((round) => round[stamp] / round.exception_ring_full)),
  })
  return { burst1: part('stamp1'), burst32: part('stamp32') }
}

export interface CurveFigure {
  readonly limit: CurveRound['limit']
  readonly askedPps: number
  readonly floodPps: number
  /** Of the fast path's packets in front of the lcore, how many it forwarded. */
  readonly kept: number
  readonly leastKept: number
  readonly puntedPps: number
  readonly shedPps: number
  readonly busy: number
  readonly mbufs: number
}

export function curveFigures(rounds: readonly CurveRound[]): CurveFigure[] {
  return grouped(rounds, ({ limit, flood_pps }) => `${limit} ${flood_pps}`).map((group) => {
    const middle = (read: (round: CurveRound) => number): number => median(group.map(read))
    const kept = (round: CurveRound): number => round.forwarded / round.fast
    const shed = (round: CurveRound): number => round.rule_limit + round.exception_limit + round.exception_ring_full
    return {
      limit: group[0].limit,
      askedPps: group[0].flood_pps,
      floodPps: middle((round) => round.flood / round.seconds),
      kept: middle(kept),
      leastKept: Math.min(...group.map(kept)),
      puntedPps: middle((round) => round.punted / round.seconds),
      shedPps: middle((round) => shed(round) / round.seconds),
      busy: middle(({ busy }) => busy),
      mbufs: Math.max(...group.map(({ mbufs }) => mbufs)),
    }
  })
}

export interface LabFigure {
  readonly floodPps: number
  readonly shedShare: number
  readonly kept: number
  /** Of all frames that the peer sent, how many reached the lcore. */
  readonly received: number
  readonly pings: number
  readonly answers: number
  readonly keepalives: number
  readonly slowestKeepaliveMs: number
  readonly controlShed: number
  readonly mbufs: number
}

export function labFigures(rounds: readonly LabRound[], windowSeconds: number): LabFigure[] {
  return grouped(rounds, ({ floodPps }) => String(floodPps)).map((group) => {
    const sum = (read: (round: LabRound) => number): number => group.reduce((total, round) => total + read(round), 0)
    return {
      floodPps: median(group.map(({ flood }) => flood / windowSeconds)),
      shedShare:
        sum(({ shed }) => shed) /
        Math.max(
          1,
          sum(({ shed, punted }) => shed + punted),
        ),
      kept: median(group.map(({ forwarded, fast, received, offered }) => (forwarded / fast) * (received / offered))),
      received: median(group.map(({ received, offered }) => received / offered)),
      pings: sum(({ pings }) => pings),
      answers: sum(({ answers }) => answers),
      keepalives: sum(({ keepalives }) => keepalives),
      slowestKeepaliveMs: Math.max(...group.map(({ slowestKeepaliveMs }) => slowestKeepaliveMs)),
      controlShed: sum(({ controlShed }) => controlShed),
      mbufs: Math.max(...group.map(({ mbufs }) => mbufs)),
    }
  })
}

/** The rounds of each point, in the order in which the points came first. */
function grouped<T>(rounds: readonly T[], key: (round: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>()
  for (const round of rounds) {
    const group = groups.get(key(round))
    if (group === undefined) groups.set(key(round), [round])
    else group.push(round)
  }
  return [...groups.values()]
}
