import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as answers from '../../../src/telemetry/answers.js'

const wrap = (command: string, value: unknown): string => JSON.stringify({ [command]: value })
const read = answers.readAnswer
const versions = ['22.11', '24.11'] as const

/** How a real testpmd of that version answered. */
function recorded(version: (typeof versions)[number], command: string): string {
  const file = new URL(`../../fixtures/telemetry/${version}/testpmd-net-null.json`, import.meta.url)
  return JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))[command])
}

describe('an answer of DPDK', () => {
  test.each(versions)('%s about what is not there is none', (version) => {
    const none = [
      [answers.portInfo, '/ethdev/info,7'],
      [answers.portStats, '/ethdev/stats,99'],
      [answers.xstats, '/ethdev/xstats,7'],
      [answers.heapInfo, '/eal/heap_info,31'],
      [answers.poolInfo, '/mempool/info,none'],
    ] as const
    for (const [schema, command] of none)
      expect(read(schema as never, command, recorded(version, command)), command).toBeNull()
    expect(answers.isNothing('/ethdev/xstats,7', recorded(version, '/ethdev/xstats,7'))).toBe(true)
    expect(answers.isNothing('/ethdev/xstats,0', recorded(version, '/ethdev/xstats,0'))).toBe(false)
    expect(answers.isNothing('/ethdev/xstats,0', '{"/ethdev/xstats":{"rx')).toBe(false)
  })

  test.each([
    ['22.11', '/ethdev/stats'],
    ['one that repeats its parameter', '/ethdev/stats,0'],
  ])('is taken out of its wrapping as %s writes it', (_version, key) => {
    const text = wrap(key, { ipackets: 5, opackets: 6 })
    expect(read(answers.portStats, '/ethdev/stats,0', text)).toMatchObject({ ipackets: 5, opackets: 6, ibytes: null })
  })

  test.each([
    ['nothing', wrap('/ethdev/stats', null)],
    ['cut off', '{"/ethdev/stats":{"ipackets":5,"opac'],
    ['of another command', wrap('/ethdev/info', {})],
    ['no object', '[]'],
    ['empty', ''],
  ])('that is %s is none', (_what, text) => {
    expect(read(answers.portStats, '/ethdev/stats,0', text)).toBeNull()
  })

  test('loses a field of the wrong type and keeps the others', () => {
    const text = wrap('/ethdev/stats', { ipackets: 'many', opackets: -1, ibytes: 7, imissed: null })
    expect(read(answers.portStats, '/ethdev/stats', text)).toMatchObject({
      ipackets: null,
      opackets: null,
      ibytes: 7,
      imissed: null,
    })
  })

  test('may be anything at all without an error', () => {
    const schemas = [answers.portInfo, answers.portStats, answers.xstats, answers.heapInfo, answers.poolInfo]
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const schema of schemas as never[]) read(schema, '/x', wrap('/x', value))
      }),
    )
  })
})

describe('memory', () => {
  const heap = { Name: 'socket_0', Heap_size: 1000, Free_size: 400, Alloc_size: 600 }

  test.each([
    ['22.11', 29263424],
    ['24.11', 29117312],
  ] as const)('used is of the same answer as total: %s', (version, usedBytes) => {
    const found = read(answers.heapInfo, '/eal/heap_info,0', recorded(version, '/eal/heap_info,0'))
    // What DPDK itself calls Alloc_size.
    expect(found).toMatchObject({ name: 'socket_0', totalBytes: 268435456, usedBytes })
  })

  test('used is never below 0 nor above total, whatever the program says', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (size, free) => {
        const found = read(answers.heapInfo, '/h', wrap('/h', { ...heap, Heap_size: size, Free_size: free }))
        expect(found?.usedBytes).toBeGreaterThanOrEqual(0)
        expect(found?.usedBytes).toBeLessThanOrEqual(found?.totalBytes ?? -1)
      }),
    )
  })

  test('of a mempool is known from 23.03 on', () => {
    const command = '/mempool/info,mb_pool_0'
    const pool = (text: string) => read(answers.poolInfo, command, text)
    expect(pool(recorded('22.11', command))).toEqual({ name: 'mb_pool_0', objects: 4096, inUse: null })
    expect(pool(recorded('24.11', command))).toEqual({ name: 'mb_pool_0', objects: 4096, inUse: 4096 - 3686 - 396 })
  })

  test('of a mempool in use is never below 0', () => {
    const whileInUse = { name: 'mb', size: 2048, common_pool_count: 2000, total_cache_count: 500, populated_size: 2048 }
    expect(read(answers.poolInfo, '/p', wrap('/p', whileInUse))).toMatchObject({ inUse: 0 })
  })
})

describe('lcores', () => {
  test('are told from 23.03 on, three arrays of one length', () => {
    const usage = recorded('24.11', '/eal/lcore/usage')
    expect(read(answers.lcoreUsage, '/eal/lcore/usage', usage)).toEqual([
      { lcoreId: 1, total: 3501188938, busy: 3407171399 },
    ])
    expect(read(answers.lcoreUsage, '/eal/lcore/usage', recorded('22.11', '/eal/lcore/usage'))).toBeNull()
  })

  test('are none when the program counts no cycles', () => {
    const none = { lcore_ids: [], total_cycles: [], busy_cycles: [], usage_ratio: [] }
    expect(read(answers.lcoreUsage, '/u', wrap('/u', none))).toEqual([])
  })

  test('without a number are left out', () => {
    const usage = { lcore_ids: [4, 5], total_cycles: [100], busy_cycles: [40] }
    expect(read(answers.lcoreUsage, '/u', wrap('/u', usage))).toEqual([{ lcoreId: 4, total: 100, busy: 40 }])
  })
})

describe('names', () => {
  test('of xstats are made whole and bounded, values that are no numbers left out', () => {
    const text = `{"/x":{"good":1,"half\\ud800":2,"${'l'.repeat(200)}":3,"word":"4"}}`
    expect(read(answers.xstats, '/x', text)).toEqual([
      ['good', 1],
      ['half\ufffd', 2],
    ])
  })

  test.each(versions)('of ports are told, whatever else is: %s', (version) => {
    const info = recorded(version, '/ethdev/info,0')
    expect(read(answers.portInfo, '/ethdev/info,0', info)).toMatchObject({
      name: 'net_null0',
      dev_started: 1,
      mtu: 1500,
    })
  })
})
