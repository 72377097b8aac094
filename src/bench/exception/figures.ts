import { type Interval, median, medianInterval95 } from '../peers/statistics.js'

/** What one run of a program gave, by the keys of {@link figureRows}. */
export type Figures = Readonly<Record<string, number>>

export interface FigureRow {
  readonly key: string
  readonly title: string
  readonly unit: string
  readonly digits: number
  /** What the ratio to testpmd is to be at most; without, the figure is recorded and not judged. */
  readonly reach?: number
}

const cycles = { unit: 'cycles/packet', digits: 0 }
const rate = { unit: 'packets/s', digits: 0 }
const goodput = { unit: 'Mbit/s', digits: 1 }

/** Every figure, in the order of the table. */
export const figureRows: readonly FigureRow[] = [
  { key: 'puntLcoreCycles', title: 'punted packet, lcore', ...cycles, reach: 0.5 },
  { key: 'puntCycles', title: 'punted packet, lcore and exception thread', ...cycles },
  { key: 'injectLcoreCycles', title: 'injected packet, lcore', ...cycles },
  { key: 'injectCycles', title: 'injected packet, lcore and exception thread', ...cycles },
  { key: 'rttMs', title: 'ping round trip, peer to tap', unit: 'ms', digits: 2, reach: 1.2 },
  { key: 'puntPps', title: 'flood to the kernel', ...rate },
  { key: 'puntFloodLcoreCycles', title: '  punted packet, lcore', ...cycles },
  { key: 'puntFloodCycles', title: '  punted packet, lcore and exception thread', ...cycles },
  { key: 'injectPps', title: 'flood from the kernel', ...rate },
  { key: 'injectFloodLcoreCycles', title: '  injected packet, lcore', ...cycles },
  { key: 'injectFloodCycles', title: '  injected packet, lcore and exception thread', ...cycles },
  { key: 'tcpPuntMbps', title: 'TCP to the kernel', ...goodput },
  { key: 'tcpInjectMbps', title: 'TCP from the kernel', ...goodput },
]

/** One program's figures, round by round; all programs have the same number of rounds. */
export interface Series {
  readonly name: string
  readonly rounds: readonly Figures[]
}

export interface Ratio {
  readonly median: number
  /** Null below the rounds that an interval takes. */
  readonly interval95: Interval | null
}

const fewestRounds = 6

function valuesOf({ rounds }: Series, key: string): number[] {
  return rounds.map((figures) => figures[key] ?? Number.NaN)
}

/** Null when the program was not asked for this figure. */
export function medianOf(series: Series, key: string): number | null {
  const value = median(valuesOf(series, key))
  return Number.isNaN(value) ? null : value
}

/** Round by round, so that what disturbs the machine for longer than a round disturbs both. */
export function ratioOf(series: Series, reference: Series, key: string): Ratio | null {
  const below = valuesOf(reference, key)
  const ratios = valuesOf(series, key).map((value, i) => value / (below[i] ?? Number.NaN))
  if (!ratios.every(Number.isFinite)) return null
  return { median: median(ratios), interval95: ratios.length < fewestRounds ? null : medianInterval95(ratios) }
}
