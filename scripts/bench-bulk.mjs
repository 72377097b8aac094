/**
 * `npm run bench:bulk -- [--vm] [--rounds N] [--backend NAME] [--json FILE]`: bulk TCP from and to the kernel with the offloads of the tap
 * and without, in turn; in the lab, or with `--vm` in a guest with the guide's pod, by both backends. What is measured,
 * and how, is in src/bench/bulk; the table is on stdout, progress on stderr.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ensureCapabilities } from './setup/install.mjs'
import { root } from './setup/paths.mjs'
import { commandLine, main } from './setup/run.mjs'
import { benchInGuest } from './vm/bench.mjs'

await main(async () => {
  const words = process.argv.slice(2)
  const { values } = parseArgs({
    options: {
      vm: { type: 'boolean' },
      rounds: { type: 'string' },
      backend: { type: 'string' },
      json: { type: 'string' },
    },
  })
  if (await (values.vm ? inGuest(values) : inLab(words)))
    process.stdout.write(`${commandLine(['npm', 'run', 'bench:bulk', '--', ...words])}\n`)
  else process.exitCode = 1
})

function inGuest(/** @type {Parameters<typeof benchInGuest>[1]} */ options) {
  ensureCapabilities(new Set(['vm']))
  return benchInGuest('bulk.js', options)
}

async function inLab(/** @type {string[]} */ words) {
  const { status } = spawnSync(process.execPath, ['dist/bench/bulk.js', ...words], { cwd: root, stdio: 'inherit' })
  return status === 0
}
