/**
 * `npm run fuzz -- [--seconds N] [--keep]`: libFuzzer on native/test/frame_fuzz.c, under AddressSanitizer and UBSan, in one
 * process. It starts from scripts/fuzz/seeds.mjs and from what earlier runs found (test/fixtures/fuzz/corpus.txt); `--keep`
 * writes what this one adds to that file, minimised. An input that breaks something lies in .cache/fuzz as `crash-…`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { makeSeeds } from './fuzz/seeds.mjs'
import { makeStale } from './setup/build.mjs'
import { cacheDir, root } from './setup/paths.mjs'
import { main, run, Stop } from './setup/run.mjs'
import { filesBelow, fingerprint } from './setup/stamps.mjs'

const folder = `${cacheDir}/fuzz`
const target = `${folder}/frame-fuzz`
const kept = `${root}/test/fixtures/fuzz/corpus.txt`
/** Of a frame that is kept: what a longer one reaches, the seeds reach too. */
const keptBytes = 700
const limits = ['-max_len=4096', '-timeout=20', '-rss_limit_mb=2048']
const environment = {
  ...process.env,
  FUZZ_STATS: '1',
  ASAN_OPTIONS: 'detect_leaks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1',
}

/** All of it in one call of the compiler: about ten seconds. */
/** @type {import('./setup/build.mjs').Step} */
const fuzzTarget = {
  name: 'fuzz target',
  stampFile: `${folder}/.stamp`,
  outputs: [target],
  stamp: () => fingerprint(root, ['native', 'scripts/fuzz.mjs'], [clangVersion()]),
  make: () => {
    const sanitizers = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined']
    const flags = ['-std=gnu11', '-O2', '-g', '-fno-omit-frame-pointer', '-D_GNU_SOURCE', ...sanitizers]
    const folders = ['-Inative/dataplane', '-Inative/prover', ...pkgConfig('--cflags')]
    run(['clang', ...flags, ...folders, ...sources(), '-o', target, ...pkgConfig('--libs'), '-lpcap'], {
      cwd: root,
      failure: 'building the fuzz target failed',
    })
  },
}

await main(async () => {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, keep: { type: 'boolean' } } })
  const seconds = Number(values.seconds)
  if (!Number.isInteger(seconds) || seconds < 1) throw new Stop('fuzz: --seconds is a whole number from 1', 64)
  mkdirSync(folder, { recursive: true })
  makeStale([fuzzTarget])
  const inputs = freshFolder('inputs')
  for (const input of [...makeSeeds(), ...readKept()]) writeFileSync(`${inputs}/${nameOf(input)}`, input)
  const { exitCode, figures } = await fuzz(inputs, seconds)
  const clean = exitCode === 0
  process.stdout.write(`${clean ? 'ok' : 'not ok'} - ${figures}${clean ? ', no finding' : `, exit ${exitCode}`}\n`)
  if (!clean) throw new Stop(`fuzz: the input is in ${folder}, crash-…; run ${target} with it`, 1)
  if (values.keep) keep(inputs)
})

/**
 * @param {string} inputs
 * @param {number} seconds
 * @returns {Promise<{ exitCode: number | null, figures: string }>}
 */
function fuzz(inputs, seconds) {
  const args = [...limits, '-use_value_profile=1', '-print_final_stats=1', `-max_total_time=${seconds}`]
  const child = spawn(target, [...args, `-artifact_prefix=${folder}/`, inputs], {
    env: environment,
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let figures = 'a finding among the seeds'
  const lines = createInterface({ input: child.stderr })
  lines.on('line', (line) => {
    const [, executed, coverage, features, corpus] = /^#(\d+)\s.*\bcov: (\d+) ft: (\d+) corp: (\S+)/.exec(line) ?? []
    if (executed)
      figures = `${executed} frames in ${seconds} s, ${coverage} edges, ${features} features, corpus ${corpus}`
    // Not a line for each new input, nor the dictionary that it would recommend.
    if (!/^#\d+\s+(NEW|REDUCE|RELOAD)|^"|^#{5}/.test(line)) process.stdout.write(`# ${line}\n`)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, figures }))
  })
}

/** What of `inputs` the seeds do not reach. */
function keep(/** @type {string} */ inputs) {
  const merged = freshFolder('merged')
  const seeds = freshFolder('seeds')
  for (const seed of makeSeeds()) writeFileSync(`${seeds}/${nameOf(seed)}`, seed)
  for (const name of readdirSync(inputs)) {
    if (readFileSync(`${inputs}/${name}`).length > keptBytes) rmSync(`${inputs}/${name}`)
  }
  const { status } = spawnSync(target, [...limits, '-merge=1', merged, seeds, inputs], {
    env: environment,
    stdio: 'ignore',
  })
  if (status !== 0) throw new Stop('fuzz: minimising the corpus failed', 1)
  const lines = readdirSync(merged).map((name) => readFileSync(`${merged}/${name}`).toString('hex'))
  lines.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  writeFileSync(kept, `${lines.join('\n')}\n`)
  process.stdout.write(`# ${lines.length} inputs are kept in ${kept.slice(root.length + 1)}\n`)
}

/** @returns {Buffer[]} */
function readKept() {
  return readFileSync(kept, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'hex'))
}

function nameOf(/** @type {Buffer} */ input) {
  return createHash('sha1').update(input).digest('hex')
}

function freshFolder(/** @type {string} */ name) {
  const path = `${folder}/${name}`
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path)
  return path
}

function sources() {
  const provers = new Set(['main.c', 'answer.c', 'replay.c', 'request.c'].map((name) => `native/prover/${name}`))
  const library = ['native/dataplane', 'native/prover'].flatMap((path) => filesBelow(root, path))
  const parts = ['frame_fuzz.c', 'frame_oracle.c', 'rule_coverage.c'].map((name) => `native/test/${name}`)
  return [...library.filter((path) => path.endsWith('.c') && !provers.has(path)), ...parts]
}

function pkgConfig(/** @type {string} */ what) {
  return spawnSync('pkg-config', [what, 'libdpdk'], { encoding: 'utf8' }).stdout.trim().split(/\s+/)
}

function clangVersion() {
  return spawnSync('clang', ['--version'], { encoding: 'utf8' }).stdout
}
