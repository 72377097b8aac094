import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { INTERRUPT_MS, type KeeperOptions, ProgramKeeper } from '../../src/exec/keeper.js'
import { configureLogging } from '../../src/log.js'
import { eventually } from './run-process.js'

await configureLogging({ level: 'silent', format: 'json' })

const builtProcess = new URL('../../dist/exec/program-process.js', import.meta.url).href
let nowMs = 0
let keeper: ProgramKeeper | undefined
let end: Promise<number> = Promise.resolve(0)

afterEach(async () => {
  keeper?.stop('SIGKILL')
  keeper?.stop('SIGKILL')
  await end
})

function keep(options: Partial<KeeperOptions> = {}): ProgramKeeper {
  keeper = new ProgramKeeper({
    program: { command: 'sleep', args: ['1000'], env: process.env },
    restart: { maxFailures: 5, backoffInitialMs: 1, backoffMaxMs: 1, healthyAfterMs: 60_000 },
    stopMs: 60_000,
    now: () => nowMs,
    ...options,
  })
  end = keeper.run()
  return keeper
}

function pidOf(of: ProgramKeeper, not?: number): Promise<number> {
  return eventually('a program runs', () => (of.view.pid === not ? undefined : (of.view.pid ?? undefined)))
}

describe('after a Ctrl-C', () => {
  test('the end of the program is its own', async () => {
    const kept = keep()
    const pid = await pidOf(kept)
    kept.interrupt()
    process.kill(pid, 'SIGINT')
    expect(await end).toBe(0)
  })

  test('that the program survived for long, it is started again when it fails', async () => {
    const kept = keep()
    const pid = await pidOf(kept)
    kept.interrupt()
    nowMs += INTERRUPT_MS
    process.kill(pid, 'SIGSEGV')
    await pidOf(kept, pid)
    expect(kept.view.restarts).toMatchObject({ crashed: 1 })
  })

  test('that the program ignored, an end by SIGTERM is clean', async () => {
    const kept = keep()
    await pidOf(kept)
    kept.interrupt()
    kept.stop('SIGTERM')
    expect(await end).toBe(0)
  })
})

describe('asked to stop', () => {
  test('once more, it does not wait for what comes before the signal', async () => {
    const kept = keep({ beforeStop: () => new Promise(() => {}) })
    await pidOf(kept)
    kept.stop('SIGTERM')
    kept.stop('SIGTERM')
    // By the one signal or the other.
    expect([0, 137]).toContain(await end)
  })

  test('it leaves no timer behind', async () => {
    const script = `
      import { ProgramProcess } from ${JSON.stringify(builtProcess)}
      const program = new ProgramProcess({ command: 'sleep', args: ['1000'], env: process.env })
      program.signal('SIGTERM')
      await program.endWithin(60_000, new Promise(() => {}))
      console.log(JSON.stringify(process.getActiveResourcesInfo()))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    expect(JSON.parse(stdout)).not.toContain('Timeout')
  })
})
