/**
 * For .ci/run: `node scripts/count-results.mjs REPORT TIER...` prints "passed failed skipped" of a vitest JSON report. A
 * file that could not be loaded is a failure, and so is a tier of which nothing passed: its tests may all have skipped.
 */
import { readFileSync } from 'node:fs'
import { root } from './setup/paths.mjs'

/** @typedef {{ name: string, status: string, assertionResults: { status: string }[] }} TestFile */

const [report = '', ...tiers] = process.argv.slice(2)
/** @type {TestFile[]} */
const files = JSON.parse(readFileSync(report, 'utf8')).testResults
const count = (/** @type {string} */ status, among = files) =>
  among.flatMap((file) => file.assertionResults).filter((result) => result.status === status).length

const unloadable = files.filter((file) => file.status === 'failed' && count('failed', [file]) === 0)
const missing = tiers.filter(
  (tier) =>
    count(
      'passed',
      files.filter((file) => file.name.includes(`/test/${tier}/`)),
    ) === 0,
)
for (const { name } of unloadable) console.error(`could not run ${name.replace(`${root}/`, '')}`)
for (const tier of missing) console.error(`no test of the ${tier} tier passed`)
console.log(count('passed'), count('failed') + unloadable.length + missing.length, count('skipped') + count('pending'))
