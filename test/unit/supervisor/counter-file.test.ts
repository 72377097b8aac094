import { spawnSync } from 'node:child_process'
import { fstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { COUNTER_FILE_BYTES, CounterFile } from '../../../src/supervisor/counter-file.js'

describe('the counter file', () => {
  test('has no name, belongs to us alone, and shows what a process wrote that was killed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-counters-'))
    const file = CounterFile.create([folder])
    expect(readdirSync(folder)).toEqual([])
    expect(fstatSync(file.fd)).toMatchObject({ size: COUNTER_FILE_BYTES, nlink: 0 })
    expect(fstatSync(file.fd).mode & 0o777).toBe(0o600)

    const writer = `const bytes = new Uint8Array(new BigUint64Array([2n ** 63n + 5n]).buffer)
      require('fs').writeSync(4, bytes, 0, 8, 8 * 3)
      process.kill(process.pid, 'SIGKILL')`
    const { signal } = spawnSync(process.execPath, ['-e', writer], {
      stdio: ['ignore', 'ignore', 'ignore', 'ignore', file.fd],
    })
    expect(signal).toBe('SIGKILL')
    expect(file.read([{ first: 2, end: 5 }]).slice(2, 5)).toEqual(new BigUint64Array([0n, 2n ** 63n + 5n, 0n]))

    file.close()
    rmSync(folder, { recursive: true })
  })

  test('is made in the second folder when the first cannot be written, and nowhere when none can', () => {
    const file = CounterFile.create(['/nonexistent', tmpdir()])
    file.close()
    expect(() => CounterFile.create(['/nonexistent'])).toThrow(
      expect.objectContaining({ code: 'ERR_MEMORY', message: expect.stringContaining('/nonexistent') }),
    )
  })
})
