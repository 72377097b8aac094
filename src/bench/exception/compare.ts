import type { Contender } from './contender.js'
import type { Figures, Series } from './figures.js'
import { measure, measureRtt } from './measure.js'
import type { Testbed } from './testbed.js'

/** Runs every program once a round, each round beginning with the next one. */
export async function compareContenders(
  contenders: readonly Contender[],
  testbed: Testbed,
  rounds: number,
  onRun: (line: string) => void,
): Promise<Series[]> {
  const series = contenders.map((contender) => ({ name: contender.name, contender, rounds: [] as Figures[] }))
  for (let round = 0; round < rounds; round++) {
    const first = round % series.length
    for (const { name, contender, rounds: measured } of [...series.slice(first), ...series.slice(0, first)]) {
      const figures = await runOnce(contender, testbed)
      measured.push(figures)
      onRun(`round ${round + 1} of ${rounds}, ${name}: ${summary(figures)}`)
    }
  }
  return series.map(({ name, rounds: measured }) => ({ name, rounds: measured }))
}

async function runOnce(contender: Contender, testbed: Testbed): Promise<Figures> {
  const running = await contender.start()
  try {
    return contender.onlyRtt ? { rttMs: await measureRtt(running, testbed) } : await measure(running, testbed)
  } finally {
    await running.stop()
  }
}

function summary({ rttMs = Number.NaN, puntLcoreCycles }: Figures): string {
  const rtt = `ping ${rttMs.toFixed(2)} ms`
  return puntLcoreCycles === undefined ? rtt : `${rtt}, ${puntLcoreCycles.toFixed(0)} lcore cycles a punted packet`
}
