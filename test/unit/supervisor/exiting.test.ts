import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { isExiting } from '../../../src/supervisor/exiting.js'

describe('a process', () => {
  test('that runs is not exiting; one that was killed is, until and after it is reaped', async () => {
    expect(isExiting(process.pid)).toBe(false)
    // Its parent does not wait for it: it stays a zombie.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string]
    const child = Number(line)
    expect(isExiting(child)).toBe(false)
    process.kill(child, 'SIGKILL')
    while (!isExiting(child)) await new Promise(setImmediate)
    expect(isExiting(child)).toBe(true)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    expect(isExiting(parent.pid ?? 0)).toBe(true)
  })
})
