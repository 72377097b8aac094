import { afterEach, describe, expect, test } from 'vitest'
import { endCommands } from './built-command.js'
import { nullPorts, startRun } from './run-process.js'

afterEach(endCommands)

describe('the planned memory', () => {
  // 8 CPUs or more make default settings plan that many.
  test.each([40_000, 100_000])('without hugepages holds %i mbufs in EAL', async (mbufs) => {
    const run = startRun({ ...nullPorts, memory: { pageSize: 'none', mbufs } })
    await run.ready()
    expect(await run.get('/metrics')).toMatch(new RegExp(`^spillway_mempool_mbufs{[^}]*} ${mbufs}$`, 'm'))
    run.child.kill('SIGTERM')
    expect(await run.ended).toEqual({ exitCode: 0, signal: null })
  })

  test('that memory.mib makes too small is refused before EAL starts', async () => {
    const run = startRun({ ...nullPorts, memory: { pageSize: 'none', mbufs: 40_000, mib: 128 } })
    expect(await run.ended).toEqual({ exitCode: 78, signal: null })
    expect(run.stderr()).toContain('memory.mib: expected at least')
  })
})
