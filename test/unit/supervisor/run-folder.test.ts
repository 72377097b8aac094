import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { makeRunFolder } from '../../../src/supervisor/run-folder.js'
import { refusal } from '../plan/fixtures.js'

let base: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'spillway-base-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(base, { recursive: true })
})

test('a folder of the run is made where it should be, cleared and removed', () => {
  const folder = makeRunFolder(base)
  expect(dirname(folder.path)).toBe(base)
  writeFileSync(join(folder.path, 'config'), '')
  folder.clear()
  expect(existsSync(join(folder.path, 'config'))).toBe(false)
  folder.remove()
  expect(existsSync(folder.path)).toBe(false)
})

test('it goes to the folder for temporary files when it must', () => {
  vi.stubEnv('TMPDIR', base)
  expect(dirname(makeRunFolder(join(base, 'missing')).path)).toBe(base)
})

test('an error says which folders were tried, and ends a start with 69', () => {
  const [runtime, temporary] = [join(base, 'missing'), join(base, 'file')]
  writeFileSync(temporary, '')
  vi.stubEnv('TMPDIR', temporary)
  const error = refusal(() => makeRunFolder(runtime))
  expect(error).toMatchObject({
    code: 'ERR_RUN_FOLDER',
    exitCode: 69,
    hint: expect.stringContaining('RUNTIME_DIRECTORY'),
  })
  expect(error.message).toContain(`${runtime}: ENOENT, ${temporary}: ENOTDIR`)
})
