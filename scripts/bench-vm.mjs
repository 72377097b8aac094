/**
 * `npm run bench:vm -- [--rounds N] [--json FILE]`: the exception path by Spillway's backends and by dpdk-testpmd in turn,
 * in a guest with the guide's pod (scripts/vm/pod.mjs), between the same VF and the same tap. What is measured, and how,
 * is in src/bench/exception; the table is on stdout, progress on stderr.
 */
import { parseArgs } from 'node:util'
import { commandLine, main } from './setup/run.mjs'
import { benchInGuest } from './vm/bench.mjs'

await main(async () => {
  const words = process.argv.slice(2)
  const { values } = parseArgs({ options: { rounds: { type: 'string' }, json: { type: 'string' } } })
  if (await benchInGuest('exception.js', values))
    process.stdout.write(`${commandLine(['npm', 'run', 'bench:vm', '--', ...words])}\n`)
  else process.exitCode = 1
})
