import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { exitCodeOf, formatError, SpillwayError } from '../errors.js'
import { readAllowedCpus } from '../lab/lab-config.js'
import { type ClassifierSample, parseSample, printClassifierCosts, summarize } from './classifier/report.js'
import { parseRounds } from './rounds.js'

/**
 * `npm run bench:classifier`: what classifying a packet costs in the form that `run` puts in force, beside its peers:
 * the fused program alone, each expression's program in a loop, C written by hand, rte_acl, and a call that does nothing.
 */

const program = fileURLToPath(new URL('../../build/Release/spillway-classifier-bench', import.meta.url))

const say = (line: string): void => void process.stdout.write(`${line}\n`)

async function run({ rounds, json }: { rounds: number; json?: string }): Promise<void> {
  const cpu = readAllowedCpus().at(-1)
  const child = spawn(program, [String(rounds), String(cpu)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const samples: ClassifierSample[] = []
  const closed = once(child, 'close')
  for await (const line of createInterface({ input: child.stdout })) {
    const [, dpdk, hz] = /^machine\t(.+)\t(\d+)$/.exec(line) ?? []
    if (dpdk !== undefined) say(machineLine(dpdk, Number(hz), cpu, rounds))
    const sample = parseSample(line)
    if (sample !== undefined) samples.push(sample)
  }
  const [exitCode] = await closed
  if (exitCode !== 0) throw new SpillwayError('ERR_INTERNAL', `spillway-classifier-bench ended with ${exitCode}`)
  const costs = summarize(samples)
  say(printClassifierCosts(costs))
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(costs, undefined, 2)}\n`)
}

function machineLine(dpdk: string, hz: number, cpu: number | undefined, rounds: number): string {
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} CPUs, Linux ${release()}, ${dpdk}`
  const clock = `cycles of the TSC at ${(hz / 1e9).toFixed(2)} GHz`
  return `${machine}; on CPU ${cpu}, ${clock}; burst 32, ${rounds} rounds in turn: npm run bench:classifier -- --rounds ${rounds}`
}

const command = new Command('bench:classifier')
  .description('measure what classifying a packet costs, beside its peers')
  .option('--rounds <n>', 'rounds in which all ways take turns', parseRounds(6), 51)
  .option('--json <file>', 'write the figures to a file')

try {
  await run(command.parse().opts())
} catch (error) {
  process.stderr.write(formatError(error))
  process.exitCode = exitCodeOf(error)
}
