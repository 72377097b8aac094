import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { exitCodeOf, formatError } from '../errors.js'
import { configureLogging } from '../log.js'
import type { ForwardingMode } from '../plan/types.js'
import { narrowAffinity } from '../supervisor/affinity.js'
import { workerProgram } from '../supervisor/worker-program.js'
import { openAfPacketTopology } from './peers/af-packet.js'
import { measureInstance } from './peers/instance.js'
import { type Machine, surveyMachine } from './peers/machine.js'
import { printComparisons, printInstance, printTapComparisons } from './peers/report.js'
import { compareTap, type TapComparison } from './peers/tap.js'
import { openTapTopology } from './peers/tap-topology.js'
import { type Comparison, compareAfPacket, compareNullPair } from './peers/throughput.js'
import { parseRounds } from './rounds.js'

/**
 * `npm run bench:peers`: the same work by Spillway and by dpdk-testpmd in turn, on the same lcore with the same burst,
 * descriptors and mbuf cache, and what a running instance costs.
 */

const workerEntry = new URL('../worker/main.js', import.meta.url)
const modes = ['io', 'mac', 'macswap'] as const satisfies readonly ForwardingMode[]
const parts = [...modes, 'af_packet', 'tap', 'instance'] as const

interface Options {
  readonly rounds: number
  readonly only?: string[]
  readonly json?: string
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function run({ rounds, only = [...parts], json }: Options): Promise<void> {
  await configureLogging({ level: 'error', format: 'auto' })
  const machine = surveyMachine()
  say(
    `${cpus()[0]?.model.trim()}, ${cpus().length} CPUs, Linux ${release()}, Node ${process.version}; ` +
      `lcore on CPU ${machine.pollingCpu}, hugepages ${machine.pageSize}, ${rounds} rounds`,
  )
  const folder = await mkdtemp(join(tmpdir(), 'spillway-bench-'))
  try {
    await narrowAffinity(machine.allowedCpus.filter((cpu) => cpu !== machine.pollingCpu))
    const comparisons = await compare(machine, folder, rounds, only)
    if (comparisons.length > 0) say(printComparisons(comparisons))
    const tap = only.includes('tap') ? await compareTaps(machine, folder, rounds) : []
    if (tap.length > 0) say(printTapComparisons(tap))
    if (only.includes('instance')) say(printInstance(await measureInstance(machine, folder, 5)))
    if (json !== undefined) writeFileSync(json, `${JSON.stringify([...comparisons, ...tap], undefined, 2)}\n`)
  } finally {
    machine.release()
    await rm(folder, { recursive: true, force: true })
  }
}

async function compare(
  machine: Machine,
  folder: string,
  rounds: number,
  only: readonly string[],
): Promise<Comparison[]> {
  const rows: Comparison[] = []
  const worker = workerProgram(workerEntry, folder)
  for (const mode of modes)
    if (only.includes(mode))
      rows.push(...(await compareNullPair({ machine, worker, folder, mode, rounds, onRound: say })))
  if (!only.includes('af_packet')) return rows
  const topology = await openAfPacketTopology(workerEntry)
  try {
    return [...rows, await compareAfPacket({ machine, ...topology, folder, rounds, onRound: say })]
  } finally {
    await topology.close()
  }
}

async function compareTaps(machine: Machine, folder: string, rounds: number): Promise<TapComparison[]> {
  const topology = await openTapTopology(workerEntry)
  try {
    return await compareTap({ machine, topology, folder, rounds, onRound: say })
  } finally {
    await topology.close()
  }
}

const program = new Command('bench:peers')
  .description('measure Spillway and dpdk-testpmd in turn')
  .option('--rounds <n>', 'rounds of each comparison', parseRounds(6), 15)
  .option('--only <part...>', `only some of ${parts.join(', ')}`)
  .option('--json <file>', 'write the comparisons to a file')

try {
  await run(program.parse().opts<Options>())
} catch (error) {
  process.stderr.write(formatError(error))
  process.exitCode = exitCodeOf(error)
}
