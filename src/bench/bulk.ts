import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { Command, Option } from 'commander'
import { exitCodeOf, formatError } from '../errors.js'
import { Teardown } from '../lab/teardown.js'
import { configureLogging } from '../log.js'
import { compareBulk, printRows } from './bulk/compare.js'
import { openLabSite } from './bulk/lab-site.js'
import { openPodSite } from './bulk/pod-site.js'
import type { Backend } from './bulk/site.js'
import { type TestbedSpec, testbedSpec } from './exception/testbed.js'
import { parseRounds } from './rounds.js'

/**
 * Bulk TCP from and to the kernel, with the offloads between kernel and Spillway and without them, in turn. In the lab;
 * or in a pod's network namespace, where `npm run bench:bulk -- --vm` calls it.
 */

interface Options {
  readonly testbed?: TestbedSpec
  readonly rounds: number
  readonly backend?: Backend
  readonly host: string
  readonly json?: string
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const tell = (line: string): void => void process.stderr.write(`${line}\n`)

async function run({ testbed, rounds, backend, host, json }: Options): Promise<void> {
  await configureLogging({ level: 'error', format: 'auto' })
  const teardown = new Teardown()
  try {
    const site = testbed === undefined ? await openLabSite(teardown) : await openPodSite(testbed, teardown)
    const backends = site.backends.filter((each) => backend === undefined || each === backend)
    const rows = await compareBulk({ ...site, backends }, rounds, teardown, tell)
    say(printRows(rows))
    say(
      `${host || `${cpus()[0]?.model.trim()}, ${cpus().length} CPUs`}; Linux ${release()}, Node ${process.version}, ` +
        `${rounds} rounds of ${site.seconds} s`,
    )
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, undefined, 2)}\n`)
  } finally {
    await teardown.run()
  }
}

const program = new Command('bench:bulk')
  .description('measure bulk TCP of the exception path with and without its offloads')
  .option('--testbed <json>', 'VF, tap and peer', (text) => testbedSpec.parse(JSON.parse(text)))
  .option('--rounds <n>', 'rounds of each variant', parseRounds(1), 10)
  .addOption(new Option('--backend <name>', 'of the exception path; without, all').choices(['tap', 'vhost-net']))
  .option('--host <text>', 'what the machine around this one is', '')
  .option('--json <file>', 'write the rows to a file')

try {
  await run(program.parse().opts<Options>())
} catch (error) {
  process.stderr.write(formatError(error))
  process.exitCode = exitCodeOf(error)
}
