import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { Command } from 'commander'
import { exitCodeOf, formatError } from '../errors.js'
import { runCommand } from '../lab/commands.js'
import { widenPath } from '../lab/prechecks.js'
import { Teardown } from '../lab/teardown.js'
import { measureCurve, measureNullCost, measureVethCost } from './overload/c-program.js'
import { costFigures, curveFigures, labFigures, stampFigures } from './overload/figures.js'
import { floods, labWindowMs, measurePoint, openBed } from './overload/lab.js'
import { printCosts, printCurve, printLab } from './overload/report.js'
import { parseRounds } from './rounds.js'

/**
 * `npm run bench:overload`: what a flood to the kernel costs an lcore, and what it leaves of the fast path, of ping and of a
 * routing session. Everything that is compared takes turns, many times.
 */

const parts = ['cost', 'curve', 'lab'] as const

interface Options {
  readonly rounds: number
  readonly only?: string[]
  readonly json?: string
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function run({ rounds, only = [...parts], json }: Options): Promise<void> {
  process.env.PATH = widenPath(process.env.PATH ?? '')
  const dpdk = (await runCommand(['pkg-config', '--modversion', 'libdpdk'])).trim()
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} CPUs, Linux ${release()}, DPDK ${dpdk}; ${rounds} rounds`
  say(`${machine}\n`)
  const results: Record<string, unknown> = { machine }
  if (only.includes('cost')) {
    const nullRounds = await measureNullCost(rounds)
    const veth = costFigures('af_packet', await measureVethCost(rounds))
    const figures = [...costFigures('net_null', nullRounds), ...veth]
    results.cost = { figures, stamp: stampFigures(nullRounds) }
    say(printCosts(figures, stampFigures(nullRounds)))
  }
  if (only.includes('curve')) {
    const figures = curveFigures(await measureCurve(rounds))
    results.curve = figures
    say(printCurve(figures))
  }
  if (only.includes('lab')) {
    const figures = await measureLab(Math.max(1, Math.round(rounds / 5)))
    results.lab = figures
    say(printLab(figures))
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, undefined, 2)}\n`)
}

/** A round takes half a minute here: a fifth of the others'. */
async function measureLab(rounds: number) {
  const teardown = new Teardown()
  try {
    const bed = await openBed(teardown)
    const measured = []
    for (let round = 0; round < rounds; round++)
      for (const pps of floods) measured.push(await measurePoint(bed, pps, round))
    return labFigures(measured, labWindowMs / 1000)
  } finally {
    await teardown.run()
  }
}

const program = new Command('bench:overload')
  .description('measure what a flood to the kernel does to everything else')
  .option('--rounds <n>', 'rounds of each measurement; a fifth of it in the lab', parseRounds(1), 20)
  .option('--only <part...>', `only some of ${parts.join(', ')}`)
  .option('--json <file>', 'write the figures to a file')

try {
  await run(program.parse().opts<Options>())
} catch (error) {
  process.stderr.write(formatError(error))
  process.exitCode = exitCodeOf(error)
}
