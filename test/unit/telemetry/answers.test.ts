import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as answers from '../../../src/telemetry/answers.js'

const wrap = (command: string, value: unknown): string => JSON.stringify({ [command]: value })
const read = answers.readAnswer

describe('an answer of DPDK', () => {
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
  const heap = { Head_id: 0, Name: 'socket_0', Heap_size: 1000, Free_size: 400, Alloc_size: 600 }

  test('used is of the same answer as total', () => {
    expect(read(answers.heapInfo, '/h', wrap('/h', heap))).toMatchObject({ totalBytes: 1000, usedBytes: 600 })
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
    const pool = { name: 'mb', size: 2048, populated_size: 2048, elt_size: 2304 }
    expect(read(answers.poolInfo, '/p', wrap('/p', pool))).toEqual({ name: 'mb', objects: 2048, inUse: null })
    const newer = { ...pool, common_pool_count: 1500, total_cache_count: 500 }
    expect(read(answers.poolInfo, '/p', wrap('/p', newer))).toEqual({ name: 'mb', objects: 2048, inUse: 48 })
    const whileInUse = { ...pool, common_pool_count: 2000, total_cache_count: 500 }
    expect(read(answers.poolInfo, '/p', wrap('/p', whileInUse))).toMatchObject({ inUse: 0 })
  })
})

describe('lcores', () => {
  test('are told from 23.03 on, three arrays of one length', () => {
    const usage = { lcore_ids: [4, 5], total_cycles: [100, 200], busy_cycles: [40, 250] }
    expect(read(answers.lcoreUsage, '/u', wrap('/u', usage))).toEqual([
      { lcoreId: 4, total: 100, busy: 40 },
      { lcoreId: 5, total: 200, busy: 200 },
    ])
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

  test('of ports are told with what newer versions add', () => {
    const info = {
      name: '0000:3b:02.4',
      mac_addr: 'AA:BB:CC:00:11:22',
      mtu: 1500,
      dev_started: true,
      rx_offloads: '0x1',
    }
    expect(read(answers.portInfo, '/i', wrap('/i', info))).toMatchObject({ name: '0000:3b:02.4', dev_started: 1 })
  })
})
