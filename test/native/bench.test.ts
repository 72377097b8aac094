import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Machine, surveyMachine } from '../../src/bench/peers/machine.js'
import { spillwayRound } from '../../src/bench/peers/spillway-round.js'
import { testpmdRound } from '../../src/bench/peers/testpmd-round.js'
import { defaultRule, planFor, ruleList, udpFrame } from '../../src/bench/peers/topologies.js'
import { configureLogging } from '../../src/log.js'
import { workerProgram } from '../../src/supervisor/worker-program.js'

const workerEntry = new URL('../../dist/worker/main.js', import.meta.url)

describe('a round of the benchmark', () => {
  let folder = ''
  let machine: Machine
  beforeAll(async () => {
    await configureLogging({ level: 'warn', format: 'json' })
    machine = surveyMachine()
    folder = mkdtempSync(join(tmpdir(), 'spillway-bench-test-'))
  })
  afterAll(() => {
    machine.release()
    rmSync(folder, { recursive: true, force: true })
  })

  const plan = () => {
    const plain = planFor(machine, folder, ['net_null0', 'net_null1'], 'macswap')
    return { ...plain, memory: { ...plain.memory, prefill: udpFrame } }
  }

  test.each([
    ['without rules', 1],
    ['with the built-ins, local and five rules', 11],
  ])('measures Spillway %s', async (_, n) => {
    const rules = n === 1 ? [defaultRule] : ruleList(plan())
    expect(rules).toHaveLength(n)
    const round = await spillwayRound(workerProgram(workerEntry, folder), plan(), rules)
    expect(round.packetsPerSecond).toBeGreaterThan(0)
    expect(round.busyCyclesPerPacket).toBeGreaterThan(0)
    expect(round.tscHz).toBeGreaterThan(1e8)
  })

  test('measures dpdk-testpmd with the same plan, and its cycles when asked', async () => {
    const round = await testpmdRound({ plan: plan(), runtimeFolder: folder, recordCycles: true })
    expect(round.packetsPerSecond).toBeGreaterThan(0)
    expect(round.cyclesPerPacket).toBeGreaterThan(0)
  })
})
