import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { configureLogging } from '../../../src/log.js'
import { TapHolders } from '../../../src/supervisor/tap-holders.js'
import { waitFor } from './fixtures.js'

await configureLogging({ level: 'silent', format: 'json' })

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** A program that does `script` in a shell, in a folder of its own. */
function program(script: string): { path: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-test-'))
  folders.push(folder)
  const path = join(folder, 'hold')
  writeFileSync(path, `#!/bin/sh\ncd ${folder}\n${script}\n`)
  chmodSync(path, 0o755)
  return { path, folder }
}

/** Notes its tap when it starts and when it ends with its input, as spillway-hold ends. */
const honest = 'echo "start $1" >>log; echo held; while read -r line; do :; done; echo "end $1" >>log'

test('holds each tap anew for each worker before it lets go of it, and ends all of them', async () => {
  const { path, folder } = program(honest)
  const log = (): string[] =>
    (existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8') : '').split('\n')
  const ends = (): number => log().filter((line) => line === 'end ext0').length
  const holders = new TapHolders(['ext0'], path)
  await holders.hold()
  expect(log()).toEqual(['start ext0', ''])
  await holders.hold()
  await waitFor(() => ends() === 1, 'the end of the first')
  expect(log()).toEqual(['start ext0', 'start ext0', 'end ext0', ''])
  holders.release()
  await waitFor(() => ends() === 2, 'the end of the second')
})

test('ends one that has not answered yet', async () => {
  const { path, folder } = program('echo $$ >pid; while read -r line; do :; done; echo "end $1" >>log')
  const holders = new TapHolders(['ext0'], path)
  const held = holders.hold()
  await waitFor(() => existsSync(join(folder, 'pid')), 'its start')
  holders.release()
  await waitFor(() => existsSync(join(folder, 'log')), 'its end')
  await held
})

test.each([
  ['is not there', '/nonexistent/hold'],
  ['refuses', '/bin/false'],
])('goes on without a holder that %s', async (_, path) => {
  const holders = new TapHolders(['ext0', 'ext1'], path)
  await holders.hold()
  holders.release()
})

test('has nothing to do where no tap is to be held', async () => {
  const holders = new TapHolders([], '/nonexistent/hold')
  await holders.hold()
  holders.release()
})
