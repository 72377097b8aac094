import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = `${root}/build/Release/spillway-classifier-test`

interface Outcome {
  readonly lines: readonly string[]
  readonly exitCode: number | null
}

function runProgram(): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ lines, exitCode }))
  })
}

/** The C program speaks TAP: each `ok` is a list of rules on thousands of frames, by every program and engine. */
describe('the classifier against libpcap', () => {
  let outcome: Outcome

  beforeAll(async () => {
    outcome = await runProgram()
  })

  it('agrees on every expression and list, and ends well', () => {
    expect(outcome.lines.filter((line) => line.startsWith('not ok'))).toEqual([])
    expect(outcome.exitCode).toBe(0)
  })

  it('ran all it planned', () => {
    const plan = outcome.lines.find((line) => line.startsWith('1..'))
    expect(plan).toBe(`1..${outcome.lines.filter((line) => line.startsWith('ok ')).length}`)
  })

  it('tried at least 60 expressions alone, and lists of 64', () => {
    const alone = outcome.lines.filter((line) => /^ok \d+ - alone: /.test(line))
    expect(alone.length).toBeGreaterThanOrEqual(60)
    for (const must of ['icmp[icmptype]=icmp-echo', 'tcp[tcpflags] & tcp-syn != 0', 'tcp[13] & 7 != 0']) {
      expect(alone.some((line) => line.endsWith(`alone: ${must}`))).toBe(true)
    }
    expect(outcome.lines.filter((line) => /^ok \d+ - list \d+ of 64 rules/.test(line)).length).toBeGreaterThan(0)
  })

  it('mutated at least 10,000 frames', () => {
    const mutated = outcome.lines.flatMap((line) => /^# (\d+) mutated frames/.exec(line)?.[1] ?? [])
    expect(Number(mutated[0])).toBeGreaterThanOrEqual(10_000)
  })
})
