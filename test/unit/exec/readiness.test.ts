import { describe, expect, test } from 'vitest'
import type { KeeperView } from '../../../src/exec/keeper.js'
import { readinessOf } from '../../../src/exec/readiness.js'
import type { TelemetryView } from '../../../src/telemetry/poller.js'

const running: KeeperView = {
  state: 'running',
  program: '/usr/bin/dpdk-testpmd',
  args: [],
  pid: 42,
  startedAtMs: 0,
  programStartedAtMs: 0,
  restarts: { exited: 0, killed: 0, crashed: 0 },
  lastDeath: null,
}
const silent: TelemetryView = {
  up: false,
  reading: null,
  failures: 0,
  problem: 'no telemetry socket below /run/x/dpdk',
}

describe('a program that does not answer', () => {
  test('is not ready, and readiness says why it does not answer', () => {
    expect(readinessOf(running, silent)).toEqual({
      ready: false,
      state: 'running',
      reasons: ['the program does not answer on its telemetry socket: no telemetry socket below /run/x/dpdk'],
    })
  })

  test('is ready when it was told not to', () => {
    expect(readinessOf({ ...running, args: ['--no-telemetry'] }, silent).ready).toBe(true)
  })
})
