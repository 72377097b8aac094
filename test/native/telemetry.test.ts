import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configureLogging } from '../../src/log.js'
import { TelemetryPoller, type TelemetryView } from '../../src/telemetry/poller.js'
import { makeRelay, type Relay } from '../../src/telemetry/relay.js'

await configureLogging({ level: 'silent', format: 'json' })

const server = fileURLToPath(new URL('../fixtures/telemetry-server.py', import.meta.url))
type Answers = Readonly<Record<string, string | readonly string[]>>

const greeting = '{"version":"DPDK 24.11.1","pid":77,"max_output_len":16384}'
const wrap = (command: string, value: unknown): string => JSON.stringify({ [command]: value })

/** As 24.11 answers, with one port. */
const newer: Answers = {
  greeting,
  '/': wrap('/', [
    '/ethdev/list',
    '/ethdev/info',
    '/ethdev/stats',
    '/ethdev/xstats',
    '/ethdev/link_status',
    '/eal/heap_list',
    '/eal/heap_info',
    '/eal/lcore/usage',
    '/mempool/list',
    '/mempool/info',
  ]),
  '/ethdev/list': wrap('/ethdev/list', [0]),
  '/ethdev/info,0': wrap('/ethdev/info', { name: '0000:3b:02.4', mac_addr: 'AA:00:00:00:00:01', dev_started: 1 }),
  '/ethdev/stats,0': wrap('/ethdev/stats', { ipackets: 10, opackets: 9, q_ipackets: [10] }),
  '/ethdev/xstats,0': wrap('/ethdev/xstats', { rx_q0_packets: 10 }),
  '/ethdev/link_status,0': wrap('/ethdev/link_status', { status: 'UP', speed: 25000, duplex: 'full-duplex' }),
  '/eal/heap_list': wrap('/eal/heap_list', [0]),
  '/eal/heap_info,0': wrap('/eal/heap_info', { Head_id: 0, Name: 'socket_0', Heap_size: 1000, Free_size: 400 }),
  '/eal/lcore/usage': wrap('/eal/lcore/usage', { lcore_ids: [1], total_cycles: [100], busy_cycles: [40] }),
  '/mempool/list': wrap('/mempool/list', ['mb_pool_0']),
  '/mempool/info,mb_pool_0': wrap('/mempool/info', {
    name: 'mb_pool_0',
    size: 2048,
    populated_size: 2048,
    common_pool_count: 1500,
    total_cache_count: 500,
  }),
}

let folder = ''
let relay: Relay
let poller: TelemetryPoller | undefined
const servers: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-telemetry-'))
  relay = makeRelay()
})

afterEach(async () => {
  await poller?.stop()
  poller = undefined
  await relay.stop()
  for (const child of servers.splice(0)) {
    // With those that serve a peer.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    await once(child, 'close')
  }
  rmSync(folder, { recursive: true })
})

/** A peer on a socket where EAL would have it. */
async function serve(answers: Answers, name = 'dpdk_telemetry.v2'): Promise<string> {
  mkdirSync(join(folder, 'dpdk/fixture'), { recursive: true })
  const path = join(folder, 'dpdk/fixture', name)
  const child = spawn('python3', [server, path, JSON.stringify(answers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  servers.push(child)
  await once(child.stdout, 'data')
  return path
}

function poll(): TelemetryPoller {
  poller = new TelemetryPoller({ relay, runtimeFolder: folder, intervalMs: 20 })
  poller.start()
  return poller
}

async function until(what: string, look: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!look()) {
    if (Date.now() > deadline) throw new Error(`not in 20 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function viewOf(answers: Answers): Promise<TelemetryView> {
  await serve(answers)
  const polling = poll()
  await until('telemetry answers', () => polling.view.up)
  return polling.view
}

describe('the relay', () => {
  test('carries greeting, questions and answers', async () => {
    const path = await serve(newer)
    expect(await relay.connect(path)).toMatchObject({ kind: 'text', text: greeting, cut: false })
    expect(await relay.ask('/ethdev/list')).toMatchObject({ text: '{"/ethdev/list":[0]}' })
  })

  test.each([
    ['that is not there', 'none', 'ENOENT'],
    ['whose path is too long for the kernel', 'x'.repeat(200), 'ENAMETOOLONG'],
  ])('says of a socket %s that it failed, and why', async (_what, name, reason) => {
    expect(await relay.connect(join(folder, name))).toMatchObject({ kind: 'failed', reason })
  })

  test('is not asked without a connection', async () => {
    await relay.connect(join(folder, 'none'))
    expect(await relay.ask('/')).toMatchObject({ kind: 'failed', reason: 'ENOTCONN' })
  })

  test.each([
    ['says nothing first', { greeting: '@hang' }, 'ETIMEDOUT'],
    ['leaves first', { greeting: '@close' }, 'ECONNRESET'],
  ])('gives up on a peer that %s', async (_what, answers, reason) => {
    expect(await relay.connect(await serve(answers))).toMatchObject({ kind: 'failed', reason })
  })

  test.each([
    ['does not answer', '@hang', 'ETIMEDOUT'],
    ['goes away', '@close', 'ECONNRESET'],
  ])('gives up on a peer that %s to a question, and has no connection then', async (_what, answer, reason) => {
    await relay.connect(await serve({ greeting, '/x': answer }))
    expect(await relay.ask('/x')).toMatchObject({ kind: 'failed', reason })
    expect(await relay.ask('/y')).toMatchObject({ kind: 'failed', reason: 'ENOTCONN' })
  })

  test('cuts what is too long, says so, and goes on', async () => {
    await relay.connect(await serve({ greeting, '/big': '@big:400000', '/small': 'x' }))
    expect(await relay.ask('/big')).toMatchObject({ kind: 'text', bytes: 256 * 1024, cut: true })
    expect(await relay.ask('/small')).toMatchObject({ text: 'x', cut: false })
  })

  test('carries bytes that look like its own lines, and bytes that are no text', async () => {
    await relay.connect(await serve({ greeting, '/a': 'ok 3\nfailed 1\n', '/b': '@hex:00ff0a', '/c': 'c' }))
    expect(await relay.ask('/a')).toMatchObject({ text: 'ok 3\nfailed 1\n' })
    expect(await relay.ask('/b')).toMatchObject({ bytes: 3 })
    expect(await relay.ask('/c')).toMatchObject({ text: 'c' })
  })

  test.each([
    ['two lines', '/mempool/info,a\nconnect /x'],
    ['not ASCII', '/mempool/info,ä'],
    ['too long', `/mempool/info,${'x'.repeat(2000)}`],
  ])('is not given what is no command: %s', async (_what, command) => {
    await relay.connect(await serve(newer))
    expect(await relay.ask(command)).toMatchObject({ kind: 'failed', reason: 'EINVAL' })
    expect(await relay.ask('/ethdev/list')).toMatchObject({ kind: 'text' })
  })

  test('has no capability and can get none', async () => {
    await relay.connect(await serve(newer))
    const status = readFileSync(`/proc/${relay.pid}/status`, 'utf8')
    expect(status).toMatch(/^CapPrm:\t0+$/m)
    expect(status).toMatch(/^CapEff:\t0+$/m)
    expect(status).toMatch(/^CapAmb:\t0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  })

  test('that was killed is replaced at the next connection', async () => {
    const path = await serve(newer)
    await relay.connect(path)
    process.kill(relay.pid ?? 0, 'SIGKILL')
    expect(await relay.ask('/')).toMatchObject({ kind: 'failed', reason: 'EPIPE' })
    expect(await relay.connect(path)).toMatchObject({ kind: 'text' })
  })
})

describe('the poller', () => {
  test('reads everything that a newer DPDK tells', async () => {
    const { reading } = await viewOf(newer)
    expect(reading).toMatchObject({
      version: '24.11.1',
      pid: 77,
      ports: [{ portId: 0, stats: { ipackets: 10 }, link: { status: 'UP' }, xstats: [['rx_q0_packets', 10]] }],
      heaps: [{ name: 'socket_0', totalBytes: 1000, usedBytes: 600 }],
      pools: [{ name: 'mb_pool_0', objects: 2048, inUse: 48 }],
      lcores: [{ lcoreId: 1, total: 100, busy: 40 }],
    })
    expect(reading?.ports[0]?.xstatsComplete).toBe(true)
  })

  test('asks nothing that the program does not list', async () => {
    const { reading } = await viewOf({ ...newer, '/': wrap('/', ['/ethdev/list', '/ethdev/info']) })
    expect(reading?.ports[0]).toMatchObject({ stats: null, link: null, xstats: [] })
    expect(reading).toMatchObject({ heaps: [], pools: [], lcores: [] })
  })

  test('says that xstats are not complete when DPDK had room for no more', async () => {
    const many = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`rx_q${i}_packets`, i]))
    const { reading } = await viewOf({ ...newer, '/ethdev/xstats,0': wrap('/ethdev/xstats', many) })
    expect(reading?.ports[0]?.xstats).toHaveLength(256)
    expect(reading?.ports[0]?.xstatsComplete).toBe(false)
  })

  test('loses what was cut off or is nonsense, and nothing else', async () => {
    const { reading } = await viewOf({
      ...newer,
      '/ethdev/xstats,0': '{"/ethdev/xstats":{"rx_q0_packets":1,"rx_q1_pa',
      '/eal/heap_info,0': 'no JSON',
      '/mempool/info,mb_pool_0': wrap('/mempool/info', ['a list']),
    })
    expect(reading?.ports[0]).toMatchObject({ stats: { ipackets: 10 }, xstats: [], xstatsComplete: false })
    expect(reading).toMatchObject({ heaps: [], pools: [], lcores: [{ lcoreId: 1 }] })
  })

  test('finds a socket that comes late, and one that another process of the prefix has', async () => {
    const polling = poll()
    await serve(newer, 'dpdk_telemetry.v2:1')
    await until('telemetry answers', () => polling.view.up)
  })

  test('passes by a socket that nobody serves any more', async () => {
    await serve(newer)
    const [dead] = servers.splice(0)
    if (dead?.pid !== undefined) process.kill(-dead.pid, 'SIGKILL')
    await serve(newer, 'dpdk_telemetry.v2:1')
    const polling = poll()
    await until('telemetry answers', () => polling.view.up)
  })

  test('is down when the program goes, keeps what it said, and follows the next one', async () => {
    await serve(newer)
    const polling = poll()
    await until('telemetry answers', () => polling.view.up)
    const [gone] = servers.splice(0)
    if (gone?.pid !== undefined) process.kill(-gone.pid, 'SIGKILL')
    await until('telemetry is down', () => !polling.view.up)
    expect(polling.view).toMatchObject({ failures: 1, reading: { version: '24.11.1' } })
    rmSync(join(folder, 'dpdk'), { recursive: true })
    await serve({ ...newer, greeting: greeting.replace('24.11.1', '25.11.0') })
    await until('the next one answers', () => polling.view.reading?.version === '25.11.0')
  })

  test('goes on without a command that takes too long', async () => {
    await serve({ ...newer, '/ethdev/link_status,0': '@hang' })
    const polling = poll()
    await until('telemetry answers', () => polling.view.up)
    expect(polling.view.reading?.ports[0]).toMatchObject({ link: null, stats: { ipackets: 10 } })
  })

  test('asks nothing about memory once all ports are stopped: the program may be on its way out', async () => {
    const info = (started: number): string => wrap('/ethdev/info', { name: 'p', mac_addr: '', dev_started: started })
    const heap = (free: number): string =>
      wrap('/eal/heap_info', { Name: 'socket_0', Heap_size: 1000, Free_size: free })
    await serve({
      ...newer,
      '/ethdev/info,0': [info(0), info(1), info(0)],
      '/ethdev/stats,0': [1, 2, 3, 4, 5].map((ipackets) => wrap('/ethdev/stats', { ipackets })),
      '/eal/heap_info,0': [900, 800, 700].map(heap),
    })
    const polling = poll()
    await until('the fifth turn', () => polling.view.reading?.ports[0]?.stats?.ipackets === 5)
    // Asked before a port was started and while it was: twice.
    expect(polling.view.reading?.heaps).toMatchObject([{ usedBytes: 200 }])
  })

  test('asks nothing while it is paused', async () => {
    await serve(newer)
    const polling = poll()
    await until('telemetry answers', () => polling.view.up)
    await polling.pause()
    const { reading } = polling.view
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(polling.view.reading).toBe(reading)
  })
})
