import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { configureLogging } from '../../../src/log.js'
import type { Snapshot } from '../../../src/stats/series.js'
import { everything, fixtureWorker, honestRules, type Started, startSupervisor, waitFor } from './fixtures.js'

await configureLogging({ level: 'silent', format: 'json' })

const running: Started[] = []
const folders: string[] = []
afterEach(async () => {
  for (const { supervisor, ended } of running.splice(0)) {
    supervisor.stop()
    supervisor.stop()
    await ended
  }
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function start(...args: Parameters<typeof startSupervisor>): Started {
  const started = startSupervisor(...args)
  running.push(started)
  return started
}

const total = ({ samples }: Snapshot, name: string): bigint =>
  samples.filter((sample) => sample.name === name).reduce((sum, { value }) => sum + value, 0n)

describe('a good worker', () => {
  test('is running once its rule list is in force, and stops cleanly when asked', async () => {
    const { supervisor, ended, reach } = start(fixtureWorker('good'))
    await reach('running')
    expect(supervisor.view.rules).toMatchObject({ generation: 1, refused: 0, inForce: [everything] })
    supervisor.stop()
    expect(await ended).toBeUndefined()
    expect(supervisor.view).toMatchObject({ state: 'stopped', worker: null, lastDeath: null })
    expect(total(supervisor.takeSnapshot(), 'rx_packets')).toBe(1000n)
  })

  test('killed from outside is replaced, and its counters go on from where they were', async () => {
    const { supervisor, reach } = start(fixtureWorker('good'))
    await reach('running')
    const { pid = 0 } = supervisor.view.worker ?? {}
    process.kill(pid, 'SIGKILL')
    await waitFor(() => supervisor.view.restarts.killed === 1, 'the death')
    expect(total(supervisor.takeSnapshot(), 'rx_packets')).toBeGreaterThanOrEqual(1000n)
    await reach('running')
    expect(supervisor.view.worker?.pid).not.toBe(pid)
    expect(total(supervisor.takeSnapshot(), 'rx_packets')).toBe(2000n)
    expect(total(supervisor.takeSnapshot(), 'rule_packets')).toBe(14n)
    expect(total(supervisor.takeSnapshot(), 'port_link_up')).toBe(1n)
    expect(supervisor.view.lastDeath).toMatchObject({ cause: 'killed', message: 'ended with signal SIGKILL' })
  })

  test('has gauges only while it lives', async () => {
    const { supervisor, ended, reach } = start(fixtureWorker('good'))
    await reach('running')
    supervisor.stop()
    await ended
    const { live, samples } = supervisor.takeSnapshot()
    expect(live).toBe(false)
    expect(samples.filter(({ kind }) => kind === 'gauge')).toEqual([])
  })
})

describe('a worker that does not come up', () => {
  test('ends the run at the first start when only the operator or the host can mend it', async () => {
    const { ended } = start(fixtureWorker('refuses', 'ERR_DEVICE'))
    expect(await ended).toMatchObject({ code: 'ERR_DEVICE', exitCode: 69, hint: 'bind it' })
  })

  test('is started again when the tap is still held by the one before, until it is enough', async () => {
    const { supervisor, ended } = start(fixtureWorker('refuses', 'ERR_TAP_BUSY'))
    expect(await ended).toMatchObject({ code: 'ERR_WORKER_GAVE_UP', exitCode: 75 })
    expect(supervisor.view.restarts.start_failed).toBe(3)
  })

  test('dies at start twice and runs the third time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-test-'))
    folders.push(folder)
    const { supervisor, reach } = start(fixtureWorker('dies-n-times', '2', join(folder, 'lives')))
    await reach('running')
    expect(supervisor.view.restarts.start_failed).toBe(2)
    expect(readFileSync(join(folder, 'lives'), 'utf8')).toBe('xxx')
  })

  test('is given up after as many deaths in a row as allowed', async () => {
    const { supervisor, ended } = start(fixtureWorker('crashes-at-once'))
    expect(await ended).toMatchObject({ code: 'ERR_WORKER_GAVE_UP', message: expect.stringContaining('SIGSEGV') })
    expect(supervisor.view.restarts.crashed).toBe(3)
  })

  test('is killed when it is not forwarding before the deadline', async () => {
    const { supervisor, ended } = start(fixtureWorker('never-ready'), { startDeadlineMs: 300 })
    expect(await ended).toMatchObject({ code: 'ERR_WORKER_GAVE_UP' })
    expect(supervisor.view.restarts.start_timeout).toBe(3)
  })

  test('that cannot be executed at all counts as a failed start', async () => {
    const { supervisor, ended } = start({ command: '/nonexistent/node', args: [], env: {} })
    expect(await ended).toMatchObject({ code: 'ERR_WORKER_GAVE_UP', message: expect.stringContaining('ENOENT') })
    expect(supervisor.view.restarts.start_failed).toBe(3)
  })

  test('is stopped while it starts, when that is asked for', async () => {
    const { supervisor, ended, reach } = start(fixtureWorker('never-ready'))
    await reach('starting')
    supervisor.stop()
    expect(await ended).toBeUndefined()
    expect(supervisor.view.state).toBe('stopped')
  })
})

test('a stop does not wait for what comes before a worker', async () => {
  const { supervisor, ended, reach } = start(fixtureWorker('good'), { beforeEachWorker: () => new Promise(() => {}) })
  await reach('starting')
  supervisor.stop()
  expect(await ended).toBeUndefined()
  expect(supervisor.view).toMatchObject({ state: 'stopped', worker: null })
})

describe('a worker that goes wrong', () => {
  test('is replaced after a crash, and the log lines of the crash are kept', async () => {
    const { supervisor, ended } = start(fixtureWorker('crashes-later'))
    expect(await ended).toMatchObject({ code: 'ERR_WORKER_GAVE_UP', exitCode: 75 })
    expect(supervisor.view.restarts.crashed).toBe(3)
    expect(total(supervisor.takeSnapshot(), 'rx_packets')).toBe(300n)
  })

  test('is killed when an lcore stands still while the rest goes on', async () => {
    const { supervisor, ended } = start(fixtureWorker('stalls'), { stallMs: 200 })
    expect(await ended).toMatchObject({
      message: expect.stringContaining('(lcore_stalled) lcore 1 stood still for 200 ms'),
    })
    expect(supervisor.view.restarts.lcore_stalled).toBe(3)
  })

  test('is left alone by the watchdog while its loops turn', async () => {
    const { supervisor, reach } = start(fixtureWorker('good'), { stallMs: 200 })
    await reach('running')
    const turns = () => total(supervisor.takeSnapshot(), 'lcore_polls')
    await waitFor(() => turns() > 150n, 'more turns than the watchdog has patience for')
    expect(supervisor.view.restarts.lcore_stalled).toBe(0)
  })

  test.each([
    ['sends a message that is none', 'sends-garbage', 'malformed message'],
    ['closes the channel and lives on', 'hangs-up', 'closed the channel'],
  ])('is killed when it %s', async (_what, program, message) => {
    const { supervisor, ended } = start(fixtureWorker(program))
    expect(await ended).toMatchObject({ message: expect.stringContaining(message) })
    expect(supervisor.view.restarts.protocol).toBe(3)
  })

  test('is killed when it does not stop in time, and the run still ends cleanly', async () => {
    const { supervisor, ended, reach } = start(fixtureWorker('ignores-stop'))
    await reach('running')
    supervisor.stop()
    supervisor.stop()
    expect(await ended).toBeUndefined()
  })
})

describe('rule lists', () => {
  test('that the prover refuses before the first worker forwards end the run', async () => {
    const { SpillwayError } = await import('../../../src/errors.js')
    const refusal = new SpillwayError('ERR_RULE', 'rule bgp: syntax error')
    const { ended } = start(fixtureWorker('good'), { rules: { ...honestRules, prove: () => Promise.reject(refusal) } })
    expect(await ended).toBe(refusal)
  })

  test('refused later leave the one before in force', async () => {
    const { supervisor, reach } = start(fixtureWorker('refuses-rules'))
    await reach('running')
    await waitFor(() => supervisor.view.rules.refused === 1, 'the refusal')
    expect(supervisor.view.rules).toMatchObject({
      generation: 1,
      lastRefusal: 'too long',
      classifier: 'tables',
      inForce: [everything],
    })
    expect(supervisor.view.addresses).toEqual([{ port: 'vf0', tap: 'ext0', addresses: ['10.99.0.1'] }])
    expect(supervisor.view.state).toBe('running')
  })
})
