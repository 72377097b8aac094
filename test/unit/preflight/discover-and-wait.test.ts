import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { discoverAndWait } from '../../../src/preflight/discover-and-wait.js'
import { config } from '../plan/fixtures.js'

const request = 'k8s.v1.cni.cncf.io/networks="sriov-network,tap-one@ext0"\n'
const status = String.raw`k8s.v1.cni.cncf.io/network-status="[{\"name\":\"ns/tap-one\",\"interface\":\"ext0\"}]"`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-podinfo-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Fills the downward API's folder as the kubelet does: a new folder, and the link `..data` swapped to it. */
function publish(name: string, annotations: string): void {
  mkdirSync(join(folder, name))
  writeFileSync(join(folder, name, 'annotations'), annotations)
  symlinkSync(name, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
}

/** A VF whose MAC address only the network status tells, which another program needs on its command line. */
function settings(waitMs: number) {
  return config({
    ports: '[{ device: "0000:3b:02.4", exception: { backend: tap, tap: ext0 } }]',
    podInfo: JSON.stringify({ folder, waitMs }),
  })
}

describe('discovery, where the network status decides something', () => {
  beforeEach(() => {
    publish('..1', request)
    symlinkSync('..data/annotations', join(folder, 'annotations'))
  })

  test('waits for it and looks again', async () => {
    const discovered = discoverAndWait(settings(20_000), { purpose: 'exec' })
    publish('..2', `${request}${status}\n`)
    const { waited, environment } = await discovered
    expect(waited).toBe('came')
    expect(environment.pod.status).toMatchObject([{ network: 'ns/tap-one' }])
  })

  test('goes on without it after the deadline', async () => {
    const { waited, environment } = await discoverAndWait(settings(50), { purpose: 'exec' })
    expect([waited, environment.pod.status]).toEqual(['late', null])
  })

  test('waits no longer when it is told to stop', async () => {
    const stop = new AbortController()
    const discovered = discoverAndWait(settings(600_000), { purpose: 'exec', signal: stop.signal })
    stop.abort()
    expect((await discovered).waited).toBe('late')
  })

  test('does not wait when it decides nothing: run knows the tap by its name', async () => {
    expect((await discoverAndWait(settings(600_000))).waited).toBe('no')
  })
})
