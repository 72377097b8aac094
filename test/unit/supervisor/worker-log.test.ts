import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { configureLogging } from '../../../src/log.js'
import { splitLines } from '../../../src/supervisor/line-splitter.js'
import { parseWorkerLine, WorkerLog } from '../../../src/supervisor/worker-log.js'

await configureLogging({ level: 'silent', format: 'json' })

describe('a line of the worker', () => {
  test.each([
    ['{"level":"info","msg":"x"}', { kind: 'json', level: 'info', text: '{"level":"info","msg":"x"}' }],
    ['{"level":42}', { kind: 'text', text: '{"level":42}' }],
    ['{"level":"info', { kind: 'text', text: '{"level":"info' }],
    ['@dpdk 4 EAL: no memory', { kind: 'dpdk', level: 'error', text: 'EAL: no memory' }],
    ['@dpdk 5 EAL: odd', { kind: 'dpdk', level: 'warn', text: 'EAL: odd' }],
    ['@dpdk 6 EAL: fine', { kind: 'dpdk', level: 'info', text: 'EAL: fine' }],
    ['@dpdk 8 EAL: detail', { kind: 'dpdk', level: 'debug', text: 'EAL: detail' }],
    ['@dpdk 99 EAL: what', { kind: 'text', text: '@dpdk 99 EAL: what' }],
    ['@dpdk', { kind: 'text', text: '@dpdk' }],
    ['@crash SIGSEGV at 0x0', { kind: 'crash', text: 'SIGSEGV at 0x0' }],
    ['free(): invalid pointer', { kind: 'text', text: 'free(): invalid pointer' }],
  ])('%s', (line, expected) => {
    expect(parseWorkerLine(line)).toEqual(expected)
  })

  test('is kept with the last fifty; those of a crash are kept apart', () => {
    const log = new WorkerLog(1)
    log.take('@crash SIGSEGV')
    for (let line = 1; line <= 60; line++) log.take(`@dpdk 8 line ${line}`)
    expect(log.recentLines).toHaveLength(50)
    expect(log.recentLines[0]).toBe('line 11')
    expect(log.crashLines).toEqual(['SIGSEGV'])
  })
})

describe('the line splitter', () => {
  async function split(...chunks: (string | Uint8Array)[]): Promise<string[]> {
    const stream = new PassThrough()
    const lines: string[] = []
    splitLines(stream, (line) => lines.push(line))
    for (const chunk of chunks) stream.write(chunk)
    stream.end()
    await new Promise((resolve) => stream.once('close', resolve))
    return lines
  }

  test('puts lines together however they are cut, characters included, and keeps one without an end', async () => {
    const bytes = Buffer.from('größer\nlast')
    expect(await split(bytes.subarray(0, 3), bytes.subarray(3, 4), bytes.subarray(4), '')).toEqual(['größer', 'last'])
  })

  test('cuts what never ends into pieces and leaves empty lines out', async () => {
    const lines = await split('\n\n', 'a'.repeat(40_000))
    expect(lines.map(({ length }) => length)).toEqual([16_384, 16_384, 7_232])
  })
})
