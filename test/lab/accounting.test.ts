import { afterEach, describe, expect, test } from 'vitest'
import type { PortStatus } from '../../src/http/status.js'
import { settledStatus } from '../../src/lab/settle.js'
import { labNetwork } from '../../src/lab/topology.js'
import { startTraffic } from '../../src/lab/traffic.js'
import { expectAccounted, finalCounters } from '../accounted.js'
import { eventually } from '../eventually.js'
import { sendFrames } from './frames.js'
import { alsoClose, closeLabs, failTest, type Lab, programs, readyLab } from './lab-fixture.js'

afterEach(closeLabs)

type Totals = PortStatus['totals']

async function settledTotals(lab: Lab): Promise<Totals> {
  const [port] = (await settledStatus(lab.instance)).ports
  if (port === undefined) throw new Error('no port')
  return port.totals
}

describe('every packet is accounted for', () => {
  test('once ping, TCP and UDP stopped, and in the final counters', async () => {
    const lab = await readyLab()
    const traffic = await startTraffic(lab, lab.topology, { udpPps: 20_000, programs, onFailure: failTest })
    alsoClose(() => traffic.stop())
    await eventually('traffic of every kind', async () => {
      const { tcp, pings, udpSent } = await traffic.count()
      return tcp.downloads >= 4 && tcp.uploads >= 4 && udpSent >= 20_000 && pings.every(({ received }) => received >= 5)
    })
    await traffic.stop()

    const totals = await settledTotals(lab)
    expect(totals.forwarded).toBeGreaterThan(0)
    expect(totals.punted).toBeGreaterThan(0)
    expect(totals.injectedFrames).toBeGreaterThan(0)
    expectAccounted(totals)

    expect(await lab.instance.stop()).toEqual({ exitCode: 0, signal: null })
    const [rx = 0, forwarded = 0, punted = 0, tapRx = 0, injected = 0, consumed = 0, dropped = 0] = finalCounters(
      lab.instance.output(),
    )
    expect(rx).toBeGreaterThanOrEqual(totals.rxPackets)
    expect(forwarded + punted + consumed + injected + dropped).toBe(rx + tapRx)
  })

  test('also broken frames: cut short or over-long, by reason', async () => {
    const lab = await readyLab({
      // The wire lets 1600 bytes through; the tap, and so the port, takes 1500.
      prepare: async ({ pod, peer }) => {
        await pod.run(['ip', 'link', 'set', labNetwork.vf, 'mtu', '1600'])
        await peer.run(['ip', 'link', 'set', labNetwork.peer, 'mtu', '1600'])
      },
    })
    const broken = truncatedFrames()
    await sendFrames(lab.peer, labNetwork.peer, [...broken, overlongFrame()])
    await eventually('every frame is dropped', async () => {
      const { dropped } = await settledTotals(lab)
      return (dropped.truncated ?? 0) >= broken.length && (dropped.oversize ?? 0) >= 1
    })
    const after = await settledTotals(lab)
    expect(after.dropped).toMatchObject({ truncated: broken.length, oversize: 1 })
    expectAccounted(after)
    expect((await lab.instance.status()).worker.lastDeath).toBeNull()
  })
})

const macs = `${labNetwork.vfMac}${labNetwork.peerMac}`.replaceAll(':', '')

/**
 * Each ends inside a header. Runts and a cut first VLAN tag cannot be sent here: the kernel refuses the former and
 * takes the first tag off before af_packet sees the frame. The native tests have them.
 */
function truncatedFrames(): string[] {
  const doubleTag = `${macs}8100000a8100`
  const ipv6Header = (next: string, payload: string): string =>
    `6000000000${(payload.length / 2).toString(16).padStart(2, '0')}${next}40${'fd99'.padEnd(32, '0')}${'fd99'.padEnd(32, '0')}${payload}`
  return [
    `${doubleTag}0000`,
    `${macs}080045000014`,
    `${macs}86dd${ipv6Header('00', '')}`,
    `${macs}86dd${ipv6Header('00', '3c04000000000000')}`,
    `${macs}86dd${ipv6Header('2b', '11ff000000000000')}`,
    `${macs}86dd6000000000`,
  ]
}

function overlongFrame(): string {
  return `${macs}0800${'45'.padEnd(2 * 1580, '0')}`
}
