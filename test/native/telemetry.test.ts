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

const wrap = (command: string, value: unknown): string => JSON.stringify({ [command]: value })

/** What a real testpmd answered, by version of DPDK: see test/fixtures/telemetry/README.md. */
function recorded(name: string): Record<string, string> {
  const file = fileURLToPath(new URL(`../fixtures/telemetry/${name}.json`, import.meta.url))
  const answers = Object.entries(JSON.parse(readFileSync(file, 'utf8')))
  return Object.fromEntries(answers.map(([command, answer]) => [command, JSON.stringify(answer)]))
}

/** 24.11, of which one port is left. */
const newer = { ...recorded('24.11/testpmd-net-null'), '/ethdev/list': wrap('/ethdev/list', [0]) }
const greeting = recorded('24.11/testpmd-net-null').greeting ?? ''
const ipackets = 31297632

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
  test.each(['22.11/testpmd-net-null', '24.11/testpmd-net-null', '24.11/testpmd-virtio-user-16-queues'])(
    'reads what %s told',
    async (name) => {
      const { reading } = await viewOf(recorded(name))
      const ports = reading?.ports.map((port) => ({ ...port, xstats: Object.fromEntries(port.xstats) }))
      const read = `${JSON.stringify({ ...reading, ports }, null, 1)}\n`
      await expect(read).toMatchFileSnapshot(`../golden/telemetry/${name}.json`)
    },
  )

  test('asks a port for its counters only once it is configured: net_vhost of 22.11 crashes before', async () => {
    const info = (configured: number): string =>
      wrap('/ethdev/info', { name: 'net_vhost0', dev_configured: configured, dev_started: 0 })
    await serve({ ...newer, '/ethdev/info,0': [info(0), info(1)], '/ethdev/stats,0': '@close' })
    const polling = poll()
    await until('telemetry answers', () => polling.view.up)
    expect(polling.view.reading?.ports[0]).toMatchObject({ stats: null, xstats: [], xstatsComplete: null })
    await until('it is asked', () => polling.view.failures > 0)
  })

  test('says nothing of xstats where DPDK says nothing', async () => {
    const { reading } = await viewOf({ ...newer, '/ethdev/xstats,0': wrap('/ethdev/xstats', null) })
    expect(reading?.ports[0]).toMatchObject({ stats: { ipackets }, xstats: [], xstatsComplete: null })
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
    expect(reading?.ports[0]).toMatchObject({ stats: { ipackets }, xstats: [], xstatsComplete: false })
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
    expect(polling.view).toMatchObject({ failures: 1, reading: { version: '24.11.8' } })
    rmSync(join(folder, 'dpdk'), { recursive: true })
    await serve({ ...newer, greeting: greeting.replace('24.11.8', '25.11.0') })
    await until('the next one answers', () => polling.view.reading?.version === '25.11.0')
  })

  test('goes on without a command that takes too long', async () => {
    await serve({ ...newer, '/ethdev/link_status,0': '@hang' })
    const polling = poll()
    await until('telemetry answers', () => polling.view.up)
    expect(polling.view.reading?.ports[0]).toMatchObject({ link: null, stats: { ipackets } })
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
