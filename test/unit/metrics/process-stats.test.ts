import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readMaxFds, readProcessStats } from '../../../src/metrics/process-stats.js'

test('a process is described by what the kernel says, also with a name that looks like its fields', async () => {
  const child = spawn('sh', ['-c', 'printf "a) R 1 (b" > /proc/self/task/$$/comm; exec 7</dev/null; echo; read _'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const stats = readProcessStats(child.pid ?? 0)
  // Not a number: whoever started the tests may have left descriptors open for everybody.
  const openFds = readdirSync(`/proc/${child.pid}/fd`).length
  expect(openFds).toBeGreaterThanOrEqual(4)
  expect(stats).toMatchObject({ threads: 1, openFds })
  expect(stats?.cpuSeconds).toBeLessThan(5)
  expect(stats?.residentBytes).toBeGreaterThan(100_000)
  expect(stats?.virtualBytes).toBeGreaterThanOrEqual(stats?.residentBytes ?? 0)
  child.stdin.end()
  await once(child, 'exit')
})

test('a process that is gone has no description', () => {
  expect(readProcessStats(2 ** 22 + 1)).toBeNull()
})

test('the limit of open files is a number', () => {
  expect(readMaxFds()).toBeGreaterThan(10)
})
