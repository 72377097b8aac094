import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parseSample, printClassifierCosts, summarize } from '../../src/bench/classifier/report.js'
import { readAllowedCpus } from '../../src/lab/lab-config.js'

const program = fileURLToPath(new URL('../../build/Release/spillway-classifier-bench', import.meta.url))
const rounds = 6
const lists = ['built-ins, local, 5 rules', '64 five-tuples', '64 single ports', 'local of 64 addresses']
const everywhere = ['in force', 'fused program', 'programs in a loop']
const somewhere = new Map([
  ['built-ins, local, 5 rules', ['hand-written C']],
  ['64 five-tuples', ['rte_acl']],
])

/** Figures are not judged here: the machine has other things to do. */
describe("the classifier's benchmark", () => {
  const cpu = String(readAllowedCpus().at(-1))
  const { status, stdout, stderr } = spawnSync(program, [String(rounds), cpu], { encoding: 'utf8' })
  const lines = stdout.split('\n')
  const named = (kind: string) => lines.filter((line) => line.startsWith(`${kind}\t`)).map((line) => line.split('\t'))

  it('ends well', () => {
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  it.each(lists.flatMap((list) => ['unmatched UDP', 'mixed'].map((traffic) => [list, traffic] as const)))(
    'has every peer agree with the classifier before it is timed: %s, %s',
    (list, traffic) => {
      const agreed = named('agreed').filter((words) => words[1] === list && words[2] === traffic)
      expect(agreed.map((words) => words[3]).sort()).toEqual([...everywhere, ...(somewhere.get(list) ?? [])].sort())
      expect(agreed.every((words) => Number(words[4]) > 10_000)).toBe(true)
    },
  )

  it('times each way in every round, and reports medians with their intervals', () => {
    const samples = lines.flatMap((line) => parseSample(line) ?? [])
    const costs = summarize(samples)
    expect(samples).toHaveLength(costs.length * rounds)
    expect(costs).toHaveLength(2 * (lists.length * (everywhere.length + 1) + somewhere.size))
    for (const { cycles, interval, ratio } of costs) {
      expect(interval.low).toBeGreaterThan(0)
      expect(cycles).toBeGreaterThanOrEqual(interval.low)
      expect(cycles).toBeLessThanOrEqual(interval.high)
      expect(ratio).toBeGreaterThan(0)
    }
    expect(printClassifierCosts(costs).split('\n')).toHaveLength(costs.length + 1)
  })

  it('refuses a command line without rounds', () => {
    expect(spawnSync(program, [], { encoding: 'utf8' })).toMatchObject({ status: 64, stdout: '' })
  })
})
