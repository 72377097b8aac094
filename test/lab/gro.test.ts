import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { PortStatus } from '../../src/http/status.js'
import { readNetdev } from '../../src/lab/netdev-counters.js'
import { settledStatus } from '../../src/lab/settle.js'
import { labNetwork } from '../../src/lab/topology.js'
import { startTcp } from '../../src/lab/traffic-tcp.js'
import { expectAccounted } from '../accounted.js'
import { eventually } from '../eventually.js'
import { sendFrames } from './frames.js'
import { alsoClose, closeLabs, failTest, type Lab, programs, readyLab } from './lab-fixture.js'
import { ping } from './ping.js'

afterEach(closeLabs)

const { tap, tapV4, tapV6, peerV4, peer, vfMac, peerMac } = labNetwork

async function settledTotals(lab: Lab): Promise<PortStatus['totals']> {
  const [port] = (await settledStatus(lab.instance)).ports
  if (port === undefined) throw new Error('no port')
  return port.totals
}

/** What the pod's kernel says of the segments that reached its TCP, over IPv4 and IPv6 together. */
async function podTcp(lab: Lab): Promise<{ inErrors: number; checksumErrors: number }> {
  const [names = [], values = []] = (await readFile(`/proc/${lab.pod.pid}/net/snmp`, 'utf8'))
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '))
  const read = (name: string): number => Number(values[names.indexOf(name)])
  return { inErrors: read('InErrs'), checksumErrors: read('InCsumErrors') }
}

describe('segments of TCP to the kernel', () => {
  test('are merged into fewer frames, all bytes and checksums right, each wire packet counted', async () => {
    const lab = await readyLab()
    const addresses = lab.topology.ipv6 ? [tapV4, tapV6] : [tapV4]
    for (const address of addresses) {
      const before = await settledTotals(lab)
      const tcp = await startTcp(lab, programs, { addresses: [address], pauseMs: 0 }, failTest)
      alsoClose(() => tcp.stop())
      await eventually(`verified uploads to ${address}, merged`, async () => {
        const { puntedMerged } = (await lab.instance.status()).ports[0]?.totals ?? { puntedMerged: 0 }
        return tcp.count().uploads >= 4 && puntedMerged > before.puntedMerged
      })
      expect(await tcp.stop()).toMatchObject({ failed: 0, lastFailure: null })
    }
    const totals = await settledTotals(lab)
    expectAccounted(totals)
    const frames = totals.punted - totals.puntedMerged
    expect(frames).toBeLessThan(totals.punted)
    expect((await readNetdev(lab.pod.pid, tap)).rxPackets, 'frames that the kernel saw').toBe(frames)
    expect(await podTcp(lab)).toEqual({ inErrors: 0, checksumErrors: 0 })
  })

  test('with a bad checksum are left for the kernel to find', async () => {
    const lab = await readyLab()
    expect((await ping(lab.peer, tapV4, 1)).received).toBe(1)
    const [bad, good] = [1, 0].map((error) => segment(error))
    // One by itself, and one between two that would be merged with it.
    await sendFrames(lab.peer, peer, [bad ?? ''])
    await sendFrames(lab.peer, peer, [good ?? '', bad ?? '', good ?? ''])
    await eventually('both are counted', async () => (await podTcp(lab)).checksumErrors >= 2)
    expect((await podTcp(lab)).checksumErrors).toBe(2)
    expectAccounted(await settledTotals(lab))
  })
})

/** A segment to a closed port of the tap's address; `error` is added to its checksum. */
function segment(error: number): string {
  const hex = (text: string): string => text.replaceAll(':', '')
  const address = (text: string): string => Buffer.from(text.split('.').map(Number)).toString('hex')
  const payload = Buffer.alloc(100, 'x').toString('hex')
  const ip = (sum: number): string => `4500008c000140004006${hex16(sum)}${address(peerV4)}${address(tapV4)}`
  const tcp = (sum: number): string => `0fa003e700000001000000015010ffff${hex16(sum)}0000${payload}`
  const pseudo = `${address(peerV4)}${address(tapV4)}00060078`
  const sum = checksum(`${pseudo}${tcp(0)}`)
  return `${hex(vfMac)}${hex(peerMac)}0800${ip(checksum(ip(0)))}${tcp((sum + error) & 0xffff)}`
}

const hex16 = (value: number): string => value.toString(16).padStart(4, '0')

function checksum(hexBytes: string): number {
  const words = hexBytes.match(/.{4}/g) ?? []
  let sum = words.reduce((total, word) => total + Number.parseInt(word, 16), 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}
