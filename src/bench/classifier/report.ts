import { type Interval, median, medianInterval95 } from '../peers/statistics.js'

/** A round of one way to classify: a line of `spillway-classifier-bench`. */
export interface ClassifierSample {
  readonly list: string
  readonly traffic: string
  readonly way: string
  readonly cycles: number
}

/** What a packet costs in one way, and how that compares with the form in force. */
export interface ClassifierCost {
  readonly list: string
  readonly traffic: string
  readonly way: string
  readonly cycles: number
  readonly interval: Interval
  /** The form in force by this way, round by round: below 1 it is the faster of the two. */
  readonly ratio: number
  readonly ratioInterval: Interval
}

/** The way that the others are compared with. */
export const inForce = 'in force'

export function parseSample(line: string): ClassifierSample | undefined {
  const [kind, list, traffic, way, cycles] = line.split('\t')
  if (kind !== 'sample' || list === undefined || traffic === undefined || way === undefined) return undefined
  return { list, traffic, way, cycles: Number(cycles) }
}

export function summarize(samples: readonly ClassifierSample[]): ClassifierCost[] {
  const groups = new Map<string, ClassifierSample[]>()
  for (const sample of samples) {
    const key = keyOf(sample)
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const ours = groups.get(keyOf({ ...first, way: inForce })) ?? []
    const cycles = group.map((sample) => sample.cycles)
    const ratios = cycles.map((value, round) => (ours[round]?.cycles ?? Number.NaN) / value)
    const { list, traffic, way } = first
    const [interval, ratioInterval] = [medianInterval95(cycles), medianInterval95(ratios)]
    return [{ list, traffic, way, cycles: median(cycles), interval, ratio: median(ratios), ratioInterval }]
  })
}

function keyOf({ list, traffic, way }: Omit<ClassifierSample, 'cycles'>): string {
  return [list, traffic, way].join('\t')
}

const columns = ['list', 'traffic', 'way', 'cycles', '95 %', 'in force / way', '95 %'] as const

/** A line per way: cycles per packet and the paired ratio, medians with their 95 % intervals. */
export function printClassifierCosts(costs: readonly ClassifierCost[]): string {
  const table = [columns as readonly string[], ...costs.map((cost, i) => cells(cost, costs[i - 1]))]
  const widths = columns.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0)))
  return table
    .map((line) => line.map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))))
    .map((line) => line.join('  ').trimEnd())
    .join('\n')
}

/** List and traffic are said once. */
function cells(cost: ClassifierCost, before: ClassifierCost | undefined): string[] {
  const sameList = before?.list === cost.list
  const sameTraffic = sameList && before?.traffic === cost.traffic
  const range = ({ low, high }: Interval, digits: number): string => `${low.toFixed(digits)}-${high.toFixed(digits)}`
  return [
    sameList ? '' : cost.list,
    sameTraffic ? '' : cost.traffic,
    cost.way,
    cost.cycles.toFixed(1),
    range(cost.interval, 1),
    cost.way === inForce ? '' : cost.ratio.toFixed(2),
    cost.way === inForce ? '' : range(cost.ratioInterval, 2),
  ]
}
