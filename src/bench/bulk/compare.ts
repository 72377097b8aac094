import { setTimeout as sleep } from 'node:timers/promises'
import { SpillwayError } from '../../errors.js'
import { tryCommand } from '../../lab/commands.js'
import type { Teardown } from '../../lab/teardown.js'
import { type Figures, medianOf, type Ratio, ratioOf, type Series } from '../exception/figures.js'
import { type Backend, type Site, type Variant, variants } from './site.js'
import { Receiver } from './streams.js'

const directions = { from: 'from the kernel', to: 'to the kernel' } as const
type Direction = keyof typeof directions

/** One line of the table: what a direction reaches on a backend by each variant in Mbit/s, and the ratios to the last. */
export interface Row {
  readonly what: string
  readonly variants: readonly { readonly name: string; readonly mbps: number; readonly ratio: Ratio | null }[]
}

const answerPatienceMs = 60_000

/** All variants of every backend once a round, each round beginning with the next one. */
export async function compareBulk(
  site: Site,
  rounds: number,
  teardown: Teardown,
  onRun: (line: string) => void,
): Promise<Row[]> {
  const receivers = { from: await Receiver.open(site.peer), to: await Receiver.open(site.pod) }
  for (const receiver of Object.values(receivers)) teardown.defer(() => receiver.close())
  const rows: Row[] = []
  for (const backend of site.backends) {
    const measured = site.variants.map((variant) => ({ variant, name: variants[variant], rounds: [] as Figures[] }))
    for (let round = 0; round < rounds; round++) {
      const first = round % measured.length
      for (const series of [...measured.slice(first), ...measured.slice(0, first)]) {
        const figures = await runOnce(site, backend, series.variant, receivers)
        series.rounds.push(figures)
        onRun(`round ${round + 1} of ${rounds}, ${backend}, ${series.name}: ${summary(figures)}`)
      }
    }
    rows.push(...rowsOf(`${site.name}, ${backend}`, measured))
  }
  return rows
}

async function runOnce(
  site: Site,
  backend: Backend,
  variant: Variant,
  receivers: Readonly<Record<Direction, Receiver>>,
): Promise<Figures> {
  const running = await site.start(backend, variant)
  try {
    await firstAnswer(site)
    return {
      from: await receivers.from.goodputFrom(site.pod, site.seconds),
      to: await receivers.to.goodputFrom(site.peer, site.seconds),
    }
  } finally {
    await running.stop()
  }
}

/** Links and neighbours come up first. */
async function firstAnswer({ peer, pod }: Site): Promise<void> {
  const deadline = performance.now() + answerPatienceMs
  const ping = peer.enter(['ping', '-n', '-c', '1', '-W', '1', pod.address])
  while ((await tryCommand(ping)).exitCode !== 0) {
    if (performance.now() > deadline)
      throw new SpillwayError('ERR_WORKER', `the tap does not answer: ${ping.join(' ')}`)
    await sleep(50)
  }
}

function rowsOf(where: string, measured: readonly Series[]): Row[] {
  const reference = measured.at(-1)
  if (reference === undefined) throw new RangeError('a comparison has variants')
  return Object.entries(directions).map(([key, title]) => ({
    what: `${where}: TCP ${title}`,
    variants: measured.map((series) => ({
      name: series.name,
      mbps: medianOf(series, key) ?? Number.NaN,
      ratio: series === reference ? null : ratioOf(series, reference, key),
    })),
  }))
}

function summary({ from = Number.NaN, to = Number.NaN }: Figures): string {
  return `${from.toFixed(1)} Mbit/s from the kernel, ${to.toFixed(1)} to it`
}

/** Medians in Mbit/s, each with its ratio to the last, round by round, and the 95 % interval of that. */
export function printRows(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ what }) => what.length))
  const line = (what: string, cells: readonly string[]): string =>
    [what.padEnd(width), ...cells.map((cell) => cell.padStart(26))].join(' ').trimEnd()
  return [
    line('median, Mbit/s; ratio [95 %]', rows[0]?.variants.map(({ name }) => name) ?? []),
    ...rows.map((row) =>
      line(
        row.what,
        row.variants.map(({ mbps, ratio }) => `${mbps.toFixed(1)}${printRatio(ratio)}`),
      ),
    ),
  ].join('\n')
}

function printRatio(ratio: Ratio | null): string {
  if (ratio === null) return ''
  const { median, interval95 } = ratio
  const interval = interval95 === null ? '' : ` [${interval95.low.toFixed(2)}, ${interval95.high.toFixed(2)}]`
  return `; ${median.toFixed(2)}${interval}`
}
