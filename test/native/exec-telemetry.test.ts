import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configureLogging } from '../../src/log.js'
import { TelemetryPoller } from '../../src/telemetry/poller.js'
import { makeRelay, Relay } from '../../src/telemetry/relay.js'
import { eventually } from './run-process.js'
import { endPeers, onePort, startPeer } from './telemetry-peer.js'

await configureLogging({ level: 'silent', format: 'json' })

let folder = ''
let relay: Relay
let poller: TelemetryPoller | undefined
const socket = (prefix = 'fixture'): string => join(folder, 'dpdk', prefix, 'dpdk_telemetry.v2')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-telemetry-'))
  relay = makeRelay()
})

afterEach(async () => {
  await poller?.stop()
  poller = undefined
  await relay.stop()
  await endPeers()
  rmSync(folder, { recursive: true })
})

function poll(asker = relay, runtimeFolder = folder): TelemetryPoller {
  poller = new TelemetryPoller({ relay: asker, runtimeFolder, intervalMs: 20 })
  poller.start()
  return poller
}

const problemOf = (polling: TelemetryPoller, word: string): Promise<true> =>
  eventually(`the problem is ${word}`, () => (polling.view.problem?.includes(word) ? true : undefined))
const answer = (polling: TelemetryPoller): Promise<true> =>
  eventually('telemetry answers', () => (polling.view.up ? true : undefined))

describe('a silence', () => {
  test('waits for the one question that is open, and lets no other through', async () => {
    await startPeer(socket(), onePort)
    await relay.connect(socket())
    const asked = relay.ask('/ethdev/list')
    await relay.silence(Number.POSITIVE_INFINITY)
    expect(await asked).toMatchObject({ kind: 'text' })
    expect(await relay.ask('/ethdev/list')).toMatchObject({ kind: 'failed', reason: 'ECANCELED' })
    expect(await relay.connect(socket())).toMatchObject({ kind: 'failed', reason: 'ECANCELED' })
  })

  test('is not cut short by a shorter one that comes later', async () => {
    await startPeer(socket(), onePort)
    await relay.connect(socket())
    await relay.silence(Number.POSITIVE_INFINITY)
    await relay.silence(0)
    expect(await relay.ask('/')).toMatchObject({ reason: 'ECANCELED' })
  })

  test('in the middle of a turn does not wait for the rest of it', async () => {
    await startPeer(socket(), onePort)
    const polling = poll()
    // It has begun to connect.
    expect(relay.pid).toBeDefined()
    await polling.pause()
    expect(polling.view).toMatchObject({ up: false, reading: null, failures: 0 })
  })
})

describe('what goes wrong with telemetry', () => {
  test('is told: no socket, nobody behind it, no DPDK behind it', async () => {
    const polling = poll()
    await problemOf(polling, `no telemetry socket below ${folder}/dpdk`)
    await startPeer(socket(), { greeting: 'hello' })
    await problemOf(polling, 'no DPDK greets there')
    await endPeers()
    await problemOf(polling, 'ECONNREFUSED')
    rmSync(socket())
    await startPeer(socket(), onePort)
    await answer(polling)
    expect(polling.view.problem).toBeNull()
  })

  test('is not for ever: ports are asked for again after an answer that came too late', async () => {
    await startPeer(socket(), { ...onePort, '/ethdev/list': '@hang' })
    const polling = poll()
    await problemOf(polling, '/ethdev/list: ETIMEDOUT')
    await endPeers()
    rmSync(socket())
    await startPeer(socket(), onePort)
    await answer(polling)
    expect(polling.view.reading?.ports).toHaveLength(1)
  })

  test('is not that of a command which was slow once', async () => {
    await startPeer(socket(), { ...onePort, '/ethdev/link_status,0': '@hang' })
    const polling = poll()
    await problemOf(polling, '/ethdev/link_status: ETIMEDOUT')
    await endPeers()
    rmSync(socket())
    await startPeer(socket(), onePort)
    await answer(polling)
    expect(polling.view.reading?.ports[0]?.link).not.toBeNull()
  })

  test('in one program is not held against the next', async () => {
    await startPeer(socket(), { ...onePort, '/ethdev/link_status,0': '@hang' })
    const polling = poll()
    await answer(polling)
    expect(polling.view.reading?.ports[0]?.link).toBeNull()
    polling.forget()
    await endPeers()
    rmSync(socket())
    await startPeer(socket(), onePort)
    await eventually('its link is known', () => polling.view.reading?.ports[0]?.link ?? undefined)
  })

  test('is not the name of a prefix that cannot be told to the relay', async () => {
    await startPeer(socket('a\nb'), onePort)
    await startPeer(socket(), onePort)
    await answer(poll())
  })

  test('is counted when nobody expected it, and the poller goes on', async () => {
    const odd = join(folder, 'a\nb')
    await startPeer(join(odd, 'dpdk/fixture/dpdk_telemetry.v2'), onePort)
    const polling = poll(relay, odd)
    await eventually('it was tried twice', () => (polling.view.failures > 1 ? true : undefined))
    expect(polling.view.problem).toContain("a socket's path has a line end")
  })

  test('is told of a relay that dies at once', async () => {
    await startPeer(socket(), onePort)
    await problemOf(poll(new Relay('/bin/false')), 'the relay died')
  })
})
