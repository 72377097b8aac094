import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitForNetworkStatus } from '../../../src/environment/wait-for-status.js'

const early = 'k8s.v1.cni.cncf.io/networks="tap@ext0"\n'
const late = `${early}k8s.v1.cni.cncf.io/network-status="[]"\n`
/** Longer than any of these tests: when it decides, something is wrong. */
const never = 60_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-podnetinfo-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** As the kubelet's atomic writer does it: a new folder, a new link, renamed over the old one. */
function publish(version: number, annotations: string): void {
  const data = `..2026_11_23_${version}`
  mkdirSync(join(folder, data))
  writeFileSync(join(folder, data, 'annotations'), annotations)
  symlinkSync(data, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  if (version === 1) symlinkSync('..data/annotations', join(folder, 'annotations'))
}

describe('waitForNetworkStatus', () => {
  it('has it at once when it is there', async () => {
    publish(1, late)
    await expect(waitForNetworkStatus(folder, never)).resolves.toBe(true)
  })

  it('sees the kubelet swap the data', async () => {
    publish(1, early)
    const there = waitForNetworkStatus(folder, never)
    publish(2, late)
    await expect(there).resolves.toBe(true)
  })

  it('goes on through updates that do not bring it', async () => {
    publish(1, early)
    const there = waitForNetworkStatus(folder, never)
    publish(2, `${early}other="1"\n`)
    publish(3, late.replace('network-status', 'networks-status'))
    await expect(there).resolves.toBe(true)
  })

  it('gives up at the deadline', async () => {
    publish(1, early)
    await expect(waitForNetworkStatus(folder, 1)).resolves.toBe(false)
  })

  it('gives up when it is told to', async () => {
    publish(1, early)
    const stop = new AbortController()
    const there = waitForNetworkStatus(folder, never, stop.signal)
    stop.abort()
    await expect(there).resolves.toBe(false)
    await expect(waitForNetworkStatus(folder, never, stop.signal)).resolves.toBe(false)
  })

  it('does not wait for a folder that is not there', async () => {
    await expect(waitForNetworkStatus(join(folder, 'nowhere'), never)).resolves.toBe(false)
  })
})
