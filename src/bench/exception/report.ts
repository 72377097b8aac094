import { type FigureRow, figureRows, medianOf, type Ratio, ratioOf, type Series } from './figures.js'

/** Medians of every program, then the ratios of all but the last to the last, with their 95 % intervals. */
export function printFigures(programs: readonly Series[]): string {
  const reference = lastOf(programs)
  const contenders = programs.slice(0, -1)
  const medians = figureRows.map((row) => [
    row.title,
    row.unit,
    ...programs.map((series) => printValue(medianOf(series, row.key), row.digits)),
  ])
  const ratios = figureRows.map((row) => [
    row.title,
    '',
    ...contenders.map((series) => printRatio(ratioOf(series, reference, row.key))),
  ])
  return [
    align([['median', '', ...programs.map(({ name }) => name)], ...medians]),
    align([[`ratio to ${reference.name} [95 %]`, '', ...contenders.map(({ name }) => name)], ...ratios]),
  ].join('\n\n')
}

/** What the first program was to reach against the reference. */
export function printReaches(programs: readonly Series[]): string {
  const [first] = programs
  const reference = lastOf(programs)
  return figureRows.flatMap((row) => (first === undefined ? [] : printReach(row, first, reference))).join('\n')
}

function printReach({ key, title, reach }: FigureRow, series: Series, reference: Series): string[] {
  if (reach === undefined) return []
  const ratio = ratioOf(series, reference, key)
  const verdict = ratio !== null && ratio.median <= reach ? 'reached' : 'missed'
  return [`${title}: ${printRatio(ratio)} of ${reference.name}, at most ${reach} wanted: ${verdict}`]
}

function lastOf(programs: readonly Series[]): Series {
  const reference = programs.at(-1)
  if (reference === undefined) throw new RangeError('a comparison has programs')
  return reference
}

function printValue(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits)
}

function printRatio(ratio: Ratio | null): string {
  if (ratio === null) return '-'
  const { median, interval95 } = ratio
  const interval = interval95 === null ? '' : ` [${interval95.low.toFixed(2)}, ${interval95.high.toFixed(2)}]`
  return `${median.toFixed(2)}${interval}`
}

/** Titles to the left, everything else to the right. */
function align(table: readonly (readonly string[])[]): string {
  const columns = Math.max(...table.map((line) => line.length))
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0)))
  const pad = (cell: string, i: number): string => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))
  return table.map((line) => line.map(pad).join('  ').trimEnd()).join('\n')
}
