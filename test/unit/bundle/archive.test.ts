import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeArchive } from '../../../src/bundle/archive.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-archive-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the archive', () => {
  test('is what tar unpacks into one folder, for its owner alone', async () => {
    const path = join(folder, 'a.tar.gz')
    const long = 'é'.repeat(100_000)
    await writeArchive(path, 'report', [
      { name: 'a.txt', text: 'first\n' },
      { name: 'b.json', text: long },
    ])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    execFileSync('tar', ['-xzf', path, '-C', folder])
    expect(readFileSync(join(folder, 'report', 'a.txt'), 'utf8')).toBe('first\n')
    expect(readFileSync(join(folder, 'report', 'b.json'), 'utf8')).toBe(long)
  })

  test('overwrites nothing', async () => {
    const path = join(folder, 'a.tar.gz')
    writeFileSync(path, 'somebody else')
    await expect(writeArchive(path, 'report', [])).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining('exists'),
    })
    expect(readFileSync(path, 'utf8')).toBe('somebody else')
  })

  test('says when it cannot be written', async () => {
    await expect(
      writeArchive(join(folder, 'no', 'a.tar.gz'), 'report', [{ name: 'a', text: 'b' }]),
    ).rejects.toMatchObject({ code: 'ERR_USAGE', message: expect.stringContaining('ENOENT') })
  })
})
