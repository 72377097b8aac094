import { existsSync, writeFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { exitCodeOf, formatError } from '../errors.js'
import { runCommand } from '../lab/commands.js'
import { Teardown } from '../lab/teardown.js'
import { configureLogging } from '../log.js'
import { narrowAffinity } from '../supervisor/affinity.js'
import { workerProgram } from '../supervisor/worker-program.js'
import { compareContenders } from './exception/compare.js'
import { makeContenders } from './exception/contenders.js'
import { figureRows } from './exception/figures.js'
import { printFigures, printReaches } from './exception/report.js'
import { openTestbed, type TestbedSpec, testbedSpec } from './exception/testbed.js'
import { surveyMachine } from './peers/machine.js'
import { parseRounds } from './rounds.js'

/**
 * The exception path by Spillway's two backends and by dpdk-testpmd in turn, between the same VF and the same tap. Runs in
 * the pod's network namespace; `npm run bench:vm` calls it in a guest that has all of this.
 */

const workerEntry = new URL('../worker/main.js', import.meta.url)
/** Where a CPU's performance counters are, when the kernel has found any. */
const pmu = '/sys/bus/event_source/devices/cpu'

interface Options {
  readonly testbed: TestbedSpec
  readonly rounds: number
  readonly host: string
  readonly json?: string
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const tell = (line: string): void => void process.stderr.write(`${line}\n`)

async function run({ testbed: spec, rounds, host, json }: Options): Promise<void> {
  await configureLogging({ level: 'error', format: 'auto' })
  const machine = surveyMachine()
  const teardown = new Teardown()
  teardown.defer(async () => machine.release())
  try {
    const housekeeping = machine.allowedCpus.filter((cpu) => cpu !== machine.pollingCpu)
    const trafficCpu = housekeeping.at(-1) ?? 0
    await narrowAffinity(housekeeping)
    const folder = await mkdtemp(join(tmpdir(), 'spillway-bench-'))
    teardown.defer(() => rm(folder, { recursive: true, force: true }))
    await chown(folder, spec.uid, spec.uid)
    const contenders = makeContenders(spec, machine, workerProgram(workerEntry, folder), folder)
    const testbed = await openTestbed(spec, trafficCpu, teardown)
    const programs = await compareContenders(contenders, testbed, rounds, tell)
    const facts = [
      host,
      `Linux ${release()}, DPDK ${await dpdkVersion()}, Node ${process.version}; CPU ${machine.pollingCpu} polls, ` +
        `CPU ${trafficCpu} sends, hugepages ${machine.pageSize}, ${rounds} rounds`,
      existsSync(pmu)
        ? 'instructions: not counted, although this CPU has counters'
        : 'instructions: not counted, this CPU has no performance counters',
    ]
    for (const text of [`${printFigures(programs)}\n`, printReaches(programs), ...facts]) say(text)
    if (json !== undefined)
      writeFileSync(json, `${JSON.stringify({ facts, figures: figureRows, programs }, undefined, 2)}\n`)
  } finally {
    await teardown.run()
  }
}

async function dpdkVersion(): Promise<string> {
  return (await runCommand(['pkg-config', '--modversion', 'libdpdk'])).trim()
}

const program = new Command('exception')
  .description('measure the exception path of Spillway and dpdk-testpmd in turn')
  .requiredOption('--testbed <json>', 'VF, tap and peer', (text) => testbedSpec.parse(JSON.parse(text)))
  .option('--rounds <n>', 'rounds of each program', parseRounds(1), 8)
  .option('--host <text>', 'what the machine around this one is', '')
  .option('--json <file>', 'write every round to a file')

try {
  await run(program.parse().opts<Options>())
} catch (error) {
  process.stderr.write(formatError(error))
  process.exitCode = exitCodeOf(error)
}
